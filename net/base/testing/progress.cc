#include "net/base/testing/progress.h"

#include <inttypes.h>
#include <unistd.h>

#include <utility>

namespace evnet_testing {
namespace {

constexpr std::chrono::milliseconds kOnTerminal(200);
constexpr std::chrono::minutes kElsewhere(1);

std::string Format(const char *format, double value, const char *unit) {
  char text[40];
  (void)snprintf(text, sizeof text, format, value, unit);
  return text;
}

// Formats a duration in its two largest units: 1 h 5 min, 3 min 20 s, 7 s.
std::string Duration(double seconds) {
  const auto whole = static_cast<uint64_t>(seconds + 0.5);
  const std::string s = std::to_string(whole % 60) + " s";
  if (whole < 60) return s;
  const std::string min = std::to_string(whole / 60 % 60) + " min";
  if (whole < 3600) return min + " " + s;
  return std::to_string(whole / 3600) + " h " + min;
}

}  // namespace

std::string ProgressText(const std::string &name, const std::string &unit, uint64_t done,
                         uint64_t total, double seconds) {
  const double part = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1;
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::string text = name + ": " + std::to_string(done) + " of " + std::to_string(total) + " " +
                     unit + Format(" (%.0f %%)%s", 100 * part, "");
  if (done == 0 || rate == 0) return text;
  // A rate below one a second is shown for each minute.
  text += rate >= 10  ? Format(", %.0f/%s", rate, "s")
          : rate >= 1 ? Format(", %.1f/%s", rate, "s")
                      : Format(", %.1f/%s", rate * 60, "min");
  return text + ", " + Duration(static_cast<double>(total - done) / rate) + " left";
}

Progress::Progress(std::string name, uint64_t total, std::string unit, FILE *out)
    : name_(std::move(name)),
      unit_(std::move(unit)),
      total_(total),
      out_(out),
      is_terminal_(isatty(fileno(out)) == 1),
      began_(Clock::now()),
      next_((began_ + (is_terminal_ ? Clock::duration(kOnTerminal) : Clock::duration(kElsewhere)))
                .time_since_epoch()
                .count()) {}

Progress::~Progress() {
  if (is_terminal_) (void)fputs("\r\x1b[K", out_);
}

void Progress::Add(uint64_t count) {
  done_ += count;
  const Clock::time_point now = Clock::now();
  Clock::rep due = next_;
  if (now.time_since_epoch().count() < due) return;
  const Clock::duration pause =
      is_terminal_ ? Clock::duration(kOnTerminal) : Clock::duration(kElsewhere);
  // If several threads get here simultaneously, one of them writes the line.
  if (next_.compare_exchange_strong(due, (now + pause).time_since_epoch().count())) Show(now);
}

void Progress::Show(Clock::time_point now) {
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const std::string text = ProgressText(name_, unit_, done_, total_, seconds);
  const std::lock_guard<std::mutex> lock(mutex_);
  (void)fprintf(out_, is_terminal_ ? "\r\x1b[K%s" : "%s\n", text.c_str());
  (void)fflush(out_);
}

}  // namespace evnet_testing

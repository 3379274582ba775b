// Dialled names, and the attempts to connect to their addresses.
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <algorithm>

#include "net/server/simulate/dials.h"
#include "net/server/simulate/dials_record.h"

namespace evnet_simulation {
namespace {

constexpr uint64_t kSlackNs = 4 * kNsPerMs;
constexpr uint64_t kDelayNs = 250 * kNsPerMs;  // RFC 8305 section 5
constexpr uint64_t kDelayMinNs = 10 * kNsPerMs;
constexpr size_t kAttemptsMax = 8;

int Rank(int status) {
  if (status == -ECONNREFUSED) return 0;
  if (status == -ETIMEDOUT) return 1;
  if (status == -EHOSTUNREACH || status == -ENETUNREACH) return 2;
  return status == -EADDRNOTAVAIL ? 3 : 4;
}

}  // namespace

// Names. Each dial has its own name and addresses, so an address identifies its dial.

const evnet_sim_dialling Dials::kDialling = {
    [](void *user, const char *text, evnet_address *out, int count_max) {
      return Self(user)->Resolve(text, out, count_max);
    },
    [](void *user, const evnet_address *address) { Self(user)->AttemptBegins(*address); },
    [](void *user, const evnet_address *address, int status) {
      Self(user)->AttemptEnded(*address, status);
    }};

// Half of a name's addresses are IPv6, half IPv4. The addresses of the preferred family come first.
int Dials::Resolve(const std::string &text, evnet_address *out, int count_max) {
  const size_t number = std::stoul(text.substr(text.find("dial") + 4));
  const Dial *dial = dials_.at(number - 1).get();
  if (w_.Chance(20)) return w_.Chance(50) ? EVNET_STATUS_ADDRESS : EVNET_STATUS_LOOKUP;
  const size_t count = std::min(dial->addresses, static_cast<size_t>(count_max));
  for (size_t i = 0; i < count; i++) {
    const bool six = (i < (count + 1) / 2) == dial->six_first;
    char host[64];
    (void)snprintf(host, sizeof host, six ? "tcp6://[fd00::%zx:%zx]:%u" : "tcp4://10.%zu.%zu.1:%u",
                   number, i + 1, dial->port);
    if (evnet_address_parse(host, &out[i], nullptr, 0) < 0)
      evnet_sim_fail(w_.sim, "%s is not an address", host);
  }
  return static_cast<int>(count);
}

// Returns NULL if the address belongs to no name.
Dials::Dial *Dials::DialOf(const evnet_address &address) const {
  size_t number = 0;
  if (address.socket.any.sa_family == AF_INET6) {
    const uint8_t *host = address.socket.ip6.sin6_addr.s6_addr;
    number = static_cast<size_t>(host[12]) << 8 | host[13];
  } else if (address.socket.any.sa_family == AF_INET) {
    const uint32_t host = ntohl(address.socket.ip4.sin_addr.s_addr);
    if (host >> 24 == 10) number = host >> 16 & 255;
  }
  return number == 0 ? nullptr : dials_.at(number - 1).get();
}

void Dials::AttemptBegins(const evnet_address &address) {
  Dial *const dial = DialOf(address);
  if (dial == nullptr) return;
  const bool six = address.socket.any.sa_family == AF_INET6;
  // The attempts alternate between the families, beginning with the preferred one.
  if (six != (dial->six_first == (dial->attempts % 2 == 0)))
    Broken(dial, "attempt %zu is of the wrong family", dial->attempts);
  if (dial->opened || dial->closed || dial->connected != "")
    Broken(dial, "an attempt begins after the dial is decided");
  const uint64_t wait_ns = dial->failed_since ? kDelayMinNs : kDelayNs;
  // The reactor's clock counts whole milliseconds.
  if (dial->attempts > 0 && w_.now() + kNsPerMs < dial->attempted_ns + wait_ns)
    Broken(dial, "an attempt begins %" PRIu64 " ns after the last", w_.now() - dial->attempted_ns);
  dial->attempts++;
  dial->attempted_ns = w_.now();
  dial->failed_since = false;
  if (++dial->running > kAttemptsMax) Broken(dial, "%zu simultaneous attempts", dial->running);
}

void Dials::AttemptEnded(const evnet_address &address, int status) {
  Dial *const dial = DialOf(address);
  if (dial == nullptr) return;
  char text[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(&address, text, sizeof text);
  if (dial->connected == text) {  // the connected socket could not be adopted
    dial->connected = "";
  } else {
    dial->running--;
  }
  if (status == 0 && dial->connected == "") {
    dial->connected = text;
  } else if (status < 0) {
    dial->failures.push_back(status);
    dial->failed_since = true;
  }
}

// Returns whether `reason` is the most specific failure that occurred. The first of several equally
// specific failures counts.
bool Dials::IsTheMostTelling(const Dial *dial, int reason) const {
  if (dial->addresses == 0 || reason == -ECANCELED || reason == EVNET_REASON_SHUTDOWN ||
      reason == EVNET_STATUS_ADDRESS || reason == EVNET_STATUS_LOOKUP ||
      (reason == -ENOMEM && w_.memory.failed() > 0))
    return true;
  int best = 0;
  for (const int failure : dial->failures)
    if (best == 0 || Rank(failure) < Rank(best)) best = failure;
  const bool is_late = w_.now() + kSlackNs >= dial->deadline_ns || dial->by_stranger;
  if (reason == -ETIMEDOUT) return is_late && (best == 0 || Rank(best) >= Rank(reason));
  // All addresses must have been tried, unless the dial has timed out.
  const bool is_all = dial->failures.size() == dial->addresses;
  return reason == best && (is_all || (is_late && Rank(best) < Rank(-ETIMEDOUT)));
}

}  // namespace evnet_simulation

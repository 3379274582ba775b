#include "net/reactor/testing/steps.h"

#include <algorithm>

#include "net/base/testing/status.h"

namespace evnet_testing {
namespace {

std::ostream &operator<<(std::ostream &out, const Step &step) {
  out << "    turn " << step.turn << ": " << step.what;
  switch (step.kind) {
    case Step::Kind::kPlain:
      return out;
    case Step::Kind::kBytes:
      return out << ", " << step.value << " bytes unread";
    case Step::Kind::kStatus:
      return out << ": " << Status(static_cast<int>(step.value));
    case Step::Kind::kCall:
      out << "(" << step.asked << ") = ";
      return step.value < 0 ? out << Status(static_cast<int>(step.value)) : out << step.value;
    case Step::Kind::kVoid:
      return out << "()";
  }
  return out;
}

bool IsSame(const Step &a, const Step &b) {
  return a.turn == b.turn && a.kind == b.kind && a.what == b.what && a.value == b.value &&
         a.asked == b.asked;
}

}  // namespace

void Steps::Add(const Step &step) {
  if (last_.size() < kMax) {
    last_.push_back(step);
  } else {
    last_[count_ % kMax] = step;
  }
  count_++;
}

void Steps::Print(std::ostream *out, uint64_t from) const {
  const uint64_t first = count_ - last_.size();
  if (first > from) *out << "    (" << first - from << " earlier steps are not kept)\n";
  for (uint64_t i = std::max(first, from); i < count_;) {
    const Step &step = last_[i % kMax];
    const uint64_t begin = i;
    while (i < count_ && IsSame(step, last_[i % kMax])) i++;
    *out << step;
    if (i - begin > 1) *out << ", " << i - begin << " times";
    *out << "\n";
  }
}

}  // namespace evnet_testing

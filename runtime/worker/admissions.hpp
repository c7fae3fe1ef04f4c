#pragma once

#include "runtime/worker/group.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace troupe {

/// Asks the group's breaker about all calls of a turn at once, and reports the outcome of each call
/// to it at the end. Confined to the runner's thread.
class admissions {
public:
  explicit admissions(group& of) : group_{of} {}

  /// Asks for admission of `calls` calls.
  void ask(std::size_t calls, instant now) {
    group_.breaker().admit(calls, now, admitted_);
    next_ = 0;
  }

  /// The breaker's answer for the next call.
  const supervision::admission& next() { return admitted_[next_++]; }

  /// Returns the admissions of calls that must wait for another turn.
  void give_back_rest() {
    for (; next_ < admitted_.size(); ++next_) {
      if (const auto* unused = std::get_if<supervision::admitted>(&admitted_[next_])) {
        note(*unused, errc::unavailable, {});
      }
    }
  }

  void note(const supervision::admitted& call, std::optional<errc> failed, instant::duration took) {
    results_.push_back(
        {call, failed ? supervision::result_of(*failed) : supervision::call_result::ok, took});
  }

  /// The call's result says nothing about the group's health.
  void note_nothing(const supervision::admitted& call, instant::duration took) {
    results_.push_back({call, std::nullopt, took});
  }

  /// Tells the breaker what was noted.
  void tell() {
    if (!results_.empty()) {
      group_.breaker().record(results_, group_.parts().time.now());
      results_.clear();
    }
  }

private:
  group& group_;
  std::vector<supervision::admission> admitted_;
  std::size_t next_ = 0;
  std::vector<group_breaker::result> results_;
};

} // namespace troupe

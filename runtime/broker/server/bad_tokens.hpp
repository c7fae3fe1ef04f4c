#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <tsl/robin_map.h>

namespace troupe::broker {

/// Counts the recent bad tokens of each owner of a key, since checking one costs a signature on the
/// loop's thread. Pure.
class bad_tokens {
public:
  static constexpr std::uint32_t per_second_max = 10;

  /// @param owner of a key that the broker knows, so that there are no more of them than keys.
  bool may_show(std::string_view owner, instant now) const {
    const auto found = of_owner_.find(std::string{owner});
    return found == of_owner_.end() || now - found->second.since >= std::chrono::seconds{1}
           || found->second.shown < per_second_max;
  }

  void note(std::string_view owner, instant now) {
    window& of = of_owner_[std::string{owner}];
    if (now - of.since >= std::chrono::seconds{1}) {
      of = {now, 0};
    }
    ++of.shown;
  }

private:
  struct window {
    instant since{};
    std::uint32_t shown = 0;
  };

  tsl::robin_map<std::string, window> of_owner_;
};

} // namespace troupe::broker

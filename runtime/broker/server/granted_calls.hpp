#pragma once

#include "runtime/security/rules.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::broker {

/// A cache of granted calls for each name: a peer calls few operations again and again, and
/// comparing their names costs a fraction of a look-up. Pure.
///
/// Rules do not change while a broker runs, so that the cache stays valid.
class granted_calls {
public:
  /// @param names the number of rows of the rules.
  explicit granted_calls(std::size_t names) : of_name_(names) {}

  bool
  has(security::rules::row who, std::string_view capability, std::string_view operation) const {
    const call& known = of_name_[static_cast<std::size_t>(who)][place_of(capability, operation)];
    return !known.text.empty() && known.capability_bytes == capability.size()
           && known.text.size() == capability.size() + operation.size()
           && std::string_view{known.text}.starts_with(capability)
           && std::string_view{known.text}.ends_with(operation);
  }

  void add(security::rules::row who, std::string_view capability, std::string_view operation) {
    call& known = of_name_[static_cast<std::size_t>(who)][place_of(capability, operation)];
    known.text.assign(capability).append(operation);
    known.capability_bytes = capability.size();
  }

private:
  static constexpr std::size_t places = 8;

  struct call {
    std::string text;
    std::size_t capability_bytes = 0;
  };

  /// Two operations with the same place replace each other, and then cost as much as without a
  /// cache.
  static std::size_t place_of(std::string_view capability, std::string_view operation) {
    const auto last = [](std::string_view text) {
      return text.empty() ? 0U : static_cast<unsigned char>(text.back());
    };
    return (capability.size() + 3 * operation.size() + last(capability) + 5 * last(operation))
           % places;
  }

  std::vector<std::array<call, places>> of_name_;
};

} // namespace troupe::broker

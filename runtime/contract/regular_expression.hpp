#pragma once

#include "runtime/outcome.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace troupe::contract {

/// A regular expression over UTF-8, of the dialect that contracts have (Perl's, roughly).
///
/// PCRE2 behind a face: what is compared comes from outside, and std::regex runs out of stack on a
/// long one. A value that is shared.
class regular_expression {
public:
  /// @errors `invalid`: what is wrong with it and where.
  static outcome<regular_expression> compile(std::string_view text);

  enum class answer : std::uint8_t { fits, does_not, too_costly };

  /// Whether all of `text` matches, as verifiers of Pact files have it. What is no UTF-8 does not.
  /// It gives up after the number of steps that PCRE2 allows by default (ten million).
  answer match(std::string_view text) const;

private:
  explicit regular_expression(std::shared_ptr<void> code) : code_{std::move(code)} {}

  std::shared_ptr<void> code_;
};

} // namespace troupe::contract

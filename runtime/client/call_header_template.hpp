#pragma once

#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::client {

/// The header of all calls of one operation, with gaps for the fields that differ from call to
/// call.
///
/// Encoding a header entry by entry costs several times as much as copying it.
class call_header_template {
public:
  /// Names must be within the bounds of wire/limits.hpp.
  call_header_template(std::string_view capability, std::string_view operation);

  bool is_for(std::string_view capability, std::string_view operation) const {
    return capability_ == capability && operation_ == operation;
  }

  /// The place of the ttl in the headers made.
  std::uint32_t ttl_at() const { return ttl_at_; }

  /// Appends the header of a call. `key` and `traceparent` may be empty.
  void append(
      std::string& to,
      const uuid& id,
      std::uint32_t ttl,
      std::string_view key,
      std::string_view traceparent) const;

private:
  std::string capability_;
  std::string operation_;
  std::string bytes_;
  std::size_t id_at_ = 0;
  std::uint32_t ttl_at_ = 0;
};

/// The templates in use. Guarded by the lock of its owner.
class call_headers {
public:
  /// The template for an operation; valid until the next call of this.
  /// @errors `invalid`: a name is empty, too long or not UTF-8.
  outcome<const call_header_template*>
  find(std::string_view capability, std::string_view operation);

private:
  std::vector<call_header_template> known_;
  std::size_t last_ = 0;
};

} // namespace troupe::client

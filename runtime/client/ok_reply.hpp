#pragma once

#include "runtime/ids.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::client {

/// Recognizes the header that almost every reply has (status ok and nothing else) by comparing
/// bytes, without reading MessagePack.
class ok_reply {
public:
  ok_reply();

  /// Whether `header` is such a header; then `id` is the call's.
  bool matches(std::string_view header, uuid& id) const;

private:
  std::string header_;    // The header with some id.
  std::size_t id_at_ = 0; // The place where the id begins.
};

} // namespace troupe::client

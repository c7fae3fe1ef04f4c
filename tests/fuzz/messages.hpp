#pragma once

#include "runtime/wire/message.hpp"
#include "tests/fuzz/target.hpp"

#include <string>
#include <string_view>

namespace troupe::fuzz {

/// Reads a body as a message. One that is read is written as it is read again.
template <wire::message Message>
void try_message(std::string_view bytes) {
  const auto first = wire::checked_decode<Message>(bytes);
  if (!first) {
    expect(first.error().code == errc::invalid && !first.error().message.empty());
    return;
  }
  const std::string written = wire::encoded(*first);
  const auto second = wire::checked_decode<Message>(written);
  expect(second.has_value());
  expect(wire::encoded(*second) == written);
}

template <wire::message... Messages>
void try_messages(std::string_view bytes) {
  (try_message<Messages>(bytes), ...);
}

} // namespace troupe::fuzz

#pragma once

#include "runtime/gateway/json_codec.hpp"
#include "runtime/outcome.hpp"
#include "runtime/wire/message.hpp"
#include "runtime/wire/schema.hpp"

#include <string>

namespace troupe::contract {

/// The JSON of a message, as gateways have it.
/// @errors `internal`: it has no such form.
template <wire::message T>
outcome<std::string> to_json_text(const T& value) {
  wire::schema_book book;
  const std::string name = book.add(wire::message_shape_of<T>());
  return gateway::to_json(wire::encoded(value), book.take(), name);
}

/// The message of a JSON text, as a program with that type reads it: unknown members are refused.
/// @errors `invalid`, with the place.
template <wire::message T>
outcome<T> from_json_text(const std::string& text) {
  wire::schema_book book;
  const std::string name = book.add(wire::message_shape_of<T>());
  const auto bytes = gateway::from_json(text, book.take(), name);
  return bytes ? wire::decode<T>(*bytes) : failure{bytes.error()};
}

} // namespace troupe::contract

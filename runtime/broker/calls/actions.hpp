#pragma once

#include "runtime/broker/decided.hpp"

#include <cstdint>
#include <string_view>
#include <variant>

namespace troupe::broker {

/// Send the call `call` (router::header_of, body_of) to a worker.
struct deliver {
  login_id to;
  std::uint32_t call;
};

/// Pass a worker's reply on, as it came: the views are those of the input.
struct answer {
  origin to;
  std::string_view header;
  std::string_view body;
};

/// Answer a call with `decisions::errors[error]`.
struct refuse {
  origin to;
  uuid id;
  std::uint32_t error;
};

/// The login is over: send nothing more to it.
struct forget {
  login_id whom;
  /// Whether the messages that the worker had in hand are blamed for its death.
  bool is_blamed = false;
};

/// A worker came or went: tell all of them who is alive.
struct send_roster {};

/// An order of the router to its shell. Trivial to copy, so that a list of them costs nothing to
/// reuse.
using action = std::variant<deliver, answer, refuse, forget, send_roster>;

using decisions = decided<action>;

} // namespace troupe::broker

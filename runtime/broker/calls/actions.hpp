#pragma once

#include "runtime/broker/decided.hpp"
#include "runtime/clock.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::broker {

/// The action to send the call in slot `call` (`router::call_at`) to a worker.
struct deliver {
  login_id to;
  std::uint32_t call;
};

/// The action to pass a worker's reply on unchanged: the views are those of the input.
struct answer {
  origin to;
  std::string_view header;
  std::string_view body;
};

/// The action to answer a call with `decisions::errors[error]`.
struct refuse {
  origin to;
  uuid id;
  std::uint32_t error;
};

/// The action to close a login that has ended: nothing more is sent to it.
struct forget {
  login_id whom;
  /// Whether the messages that the worker had in hand are blamed for its death.
  bool is_blamed = false;
};

/// The action to send all workers the roster, since a worker logged in or was lost.
struct send_roster {};

/// An order of the router to its shell. Trivial to copy, so that a list of them costs nothing to
/// reuse.
using action = std::variant<deliver, answer, refuse, forget, send_roster>;

/// An accepted call that this broker ended with an error of its own, for its span.
struct failed_call {
  uuid id;
  std::string header;
  errc why;
  instant arrived;
};

struct decisions : decided<action> {
  std::vector<failed_call> failed;

  void clear() {
    decided::clear();
    failed.clear();
  }
};

} // namespace troupe::broker

#pragma once

#include "runtime/error.hpp"
#include "runtime/ids.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::broker {

/// Where a call came from, in the server's own code. The router only compares and returns it.
enum class origin : std::uint64_t {};

/// A login, by the server's number for it. A number is free again once `forget` was carried out.
enum class login_id : std::uint32_t {};

/// The index of nothing, wherever an index is kept.
inline constexpr std::uint32_t nowhere = 0xffff'ffffU;

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
  /// It may have died of what it had in hand.
  bool is_blamed = false;
};

/// A worker came or went: tell all of them who is alive.
struct send_roster {};

/// What the shell has to do. Trivial to copy, so that a list of them costs nothing to reuse.
using action = std::variant<deliver, answer, refuse, forget, send_roster>;

/// Something worth a line in the log: "worker_lost" {node: n1, why: ...}.
struct log_event {
  std::string name;
  std::vector<std::pair<std::string, std::string>> fields;
};

/// What the router decided about one input. Reused from input to input; carried out in order.
struct decisions {
  std::vector<action> actions;
  std::vector<error> errors;
  std::vector<log_event> events;

  void clear() {
    actions.clear();
    errors.clear();
    events.clear();
  }
};

} // namespace troupe::broker

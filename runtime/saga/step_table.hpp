#pragma once

#include "runtime/outcome.hpp"
#include "runtime/saga/definition.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::saga {

/// A step as data: what a journal needs to have a meaning, without the functions of the author.
struct step_row {
  std::string name;
  std::string capability;
  std::string operation;
  std::string undo;
  /// A `step_kind` by its number.
  std::uint8_t kind = 0;
  milliseconds deadline{};
  std::uint32_t retries = 0;
  milliseconds backoff{};
  /// A `step_act` by its number. Nothing, as are the fields below, in tables of releases before
  /// there were others than calls.
  std::optional<std::uint8_t> act{};
  std::optional<bool> parallel{};
  /// Whether it has a condition.
  std::optional<bool> conditional{};
  std::optional<std::string> topic{};
};

TROUPE_MESSAGE(
    step_row,
    name,
    capability,
    operation,
    undo,
    kind,
    deadline,
    retries,
    backoff,
    act,
    parallel,
    conditional,
    topic)

/// The steps of a definition as they were when a saga was started, kept beside the journal for
/// programs whose definition is another one.
struct step_table {
  std::string operation;
  milliseconds deadline{};
  std::vector<step_row> steps;
};

TROUPE_MESSAGE(step_table, operation, deadline, steps)

step_table table_of(const definition& from);

/// 64 bits over the names, capabilities, operations, undos and kinds of the steps, in order, and
/// what they do, whether they begin together and whether they have conditions: where a step is a
/// plain call, no more than what releases before there were others took.
std::uint64_t fingerprint_of(const step_table& table);

/// The table in `bytes`. @errors `internal` if they are none, or not the one of `fingerprint`.
outcome<step_table> read_table(std::string_view bytes, std::uint64_t fingerprint);

/// The definition that runs sagas of an earlier `table`: its steps, deadlines and retries, with the
/// functions of `now`.
///
/// A call's functions are those of the step of `now` that has its name, its capability and its
/// operation (for an undo: its undo). A call without such a step has no function: its projection is
/// gone. A condition that is gone is an error.
definition definition_of(const step_table& table, const definition& now);

/// Whether a step of an earlier definition has a condition that is gone.
bool lacks_condition(const step& of);

} // namespace troupe::saga

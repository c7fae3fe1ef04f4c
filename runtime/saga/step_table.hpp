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

/// A step as data: what is needed to read a journal, without the author's functions.
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
  /// A `step_act` by its number. Absent, as are the fields below, in tables of releases that had
  /// only calls.
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

/// The steps of a definition as they were when a saga was started, stored with the journal for
/// programs with another definition.
struct step_table {
  std::string operation;
  milliseconds deadline{};
  std::vector<step_row> steps;
};

TROUPE_MESSAGE(step_table, operation, deadline, steps)

step_table table_of(const definition& from);

/// A 64-bit hash of the names, capabilities, operations, undos and kinds of the steps, in order,
/// and of what they do, whether they begin together and whether they have conditions. A plain call
/// adds only what releases with nothing but calls added.
std::uint64_t fingerprint_of(const step_table& table);

/// The table in `bytes`. @errors `internal` if `bytes` is not a table, or not that of
/// `fingerprint`.
outcome<step_table> read_table(std::string_view bytes, std::uint64_t fingerprint);

/// A definition that runs sagas of an earlier `table`: its steps, deadlines and retries, with the
/// functions of `now`.
///
/// A call's functions are those of the step of `now` that has its name, its capability and its
/// operation (for an undo: its undo). A call without such a step has no function, since its
/// projection is gone. A condition that is gone is an error.
definition definition_of(const step_table& table, const definition& now);

/// Whether a step of an earlier definition has a condition that is gone.
bool lacks_condition(const step& of);

} // namespace troupe::saga

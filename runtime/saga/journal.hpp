#pragma once

#include "runtime/ids.hpp"
#include "runtime/saga/record.hpp"
#include "runtime/saga/state.hpp"
#include "runtime/saga/step_table.hpp"
#include "runtime/store/database.hpp"
#include "runtime/store/migrations.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace troupe::saga {

/// The components of all tables of sagas (runtime/saga/README.md, "Journal").
std::span<const store::component> journal_components();

/// A saga's row: its owner and its phase.
struct saga_row {
  uuid id;
  std::string operation;
  std::int64_t epoch = 0;
  std::int64_t writer = 0;
  phase now = phase::forward;
  /// The trace of the call that started it (observe/trace_context.hpp); may be empty.
  std::string trace{};
  /// The ordering key of that call: sagas that wait are started in turn by key.
  std::string line{};
};

/// An unfinished saga of an owner.
struct owned_saga {
  uuid id;
  std::int64_t epoch = 0;
};

/// The message for a step that waits.
struct told_step {
  uuid saga;
  std::string step;
  /// The error as on the wire; empty if this is not a refusal.
  std::string refusal;
  /// The message.
  std::string body;
};

/// A record with the epoch of its writer, and when it was written.
struct dated_record {
  record row;
  std::int64_t epoch = 0;
  wall_time at{};
};

/// A saga, and when it should be over.
struct due_saga {
  uuid id;
  std::string operation;
  phase now = phase::forward;
  /// The deadline that it was started with; 1970 if its journal has none.
  wall_time due{};
};

/// The stored sagas of one capability.
///
/// Borrows the session; each function runs inside the current turn and throws
/// store::database_error. The turn has checked that this process may write (writers.hpp).
class journal_table {
public:
  explicit journal_table(store::database& session) : session_{session} {}

  void
  add(const uuid& id,
      std::string_view operation,
      std::int64_t writer,
      std::string_view trace = {},
      std::string_view line = {});
  void append(const uuid& id, std::int64_t epoch, const record& row, wall_time now);
  /// Stores the phase of a saga that turns back, is over or parked, or runs again.
  void set_phase(const uuid& id, phase now);

  std::optional<saga_row> find(const uuid& id);
  /// The rows of one saga, in order, with the epoch that wrote each, and when; their data is kept
  /// in `bytes`.
  std::vector<dated_record> history(const uuid& id, std::vector<std::string>& bytes);

  /// The data of a saga's records of one kind, in order.
  std::vector<std::string> data_of(const uuid& id, record_kind kind);

  /// Keeps the steps of a definition, if they are not kept yet.
  void keep_table(std::uint64_t fingerprint, const step_table& table, wall_time now);
  /// The kept table of that fingerprint; nothing if there is none, since earlier releases kept
  /// none.
  std::optional<std::string> table(std::uint64_t fingerprint);

  /// Stores a message for a step, for the saga's owner to take.
  /// @return false if there is an earlier one that the owner has not taken yet: the first one
  /// counts.
  bool tell(const told_step& told, wall_time now);
  /// Takes the message for a step, if it is not taken yet.
  std::optional<told_step> take_told(const uuid& saga, std::string_view step);

  /// Stores that `call` undoes the saga and waits until it is undone. A saga that has not been
  /// started cannot be started afterwards.
  void add_recall(const uuid& saga, const uuid& call, wall_time now);
  /// The calls that undid it.
  std::vector<uuid> recalls(const uuid& saga);
  /// Notes that the messages for it need no further look.
  void take_words(const uuid& saga);
  /// Notes that neither the messages for it nor the calls that undo it need a further look.
  void take_all(const uuid& saga);

  /// The sagas behind `after` with messages or undoing calls that their owner has not taken yet, in
  /// the order of their ids, at most `count_max`.
  std::vector<uuid> told_sagas(const uuid& after, int count_max);

  /// The unfinished sagas that `writer` owns. Parked ones are not among them.
  std::vector<owned_saga> unfinished(std::int64_t writer);
  /// The fenced writers that still own unfinished sagas: the programs that took over their work had
  /// no plan for these.
  std::vector<std::int64_t> fenced_owners();
  /// Gives a saga to `heir`, in phase `now` and under its next epoch, and notes the former owner.
  void give(const uuid& id, std::int64_t heir, phase now);

  std::uint64_t parked_count();

  /// The sagas behind `after` that are in phase `now`, in the order of their ids, `count_max` at
  /// most.
  std::vector<saga_row> in_phase(phase now, const uuid& after, int count_max);

  /// The names of the nodes whose processes own a saga, or owned it, by its epochs. Names no longer
  /// known, and former owners from releases that did not note them, are left out.
  std::map<std::int64_t, std::string> nodes_by_epoch(const uuid& id);

  /// The sagas behind `after`, whatever their phase, in the order of their ids, `count_max` at
  /// most.
  std::vector<due_saga> page(const uuid& after, int count_max);

  /// The name of the node whose process has this number; empty if it is not known any more.
  std::string node_of(std::int64_t writer);

  /// The last record of a saga and when it was written, its data in `bytes`.
  std::optional<std::pair<record, wall_time>> last(const uuid& id, std::string& bytes);

  /// Deletes the sagas among the next `rows_max` behind `after` that are completed or compensated,
  /// and wrote their last record before `ended_before`. Parked ones wait for a person. After the
  /// last of these, deletes the undoing calls, made before then, of sagas that were never started.
  /// @return the last one looked at; nothing if these were the last that started before then.
  std::optional<uuid> forget(const uuid& after, wall_time ended_before, int rows_max);

private:
  store::database& session_;
};

} // namespace troupe::saga

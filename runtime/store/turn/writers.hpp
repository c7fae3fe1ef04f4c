#pragma once

#include "runtime/ids.hpp"
#include "runtime/store/database.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::store {

/// A process that writes a database: its row in `writers`.
struct writer_row {
  std::int64_t id = 0;
  std::string node;
  uuid incarnation;
  /// The numbers of the last question whether it is alive, and of the last answer.
  std::int64_t asked = 0;
  std::int64_t answered = 0;
  /// Whether it has given up its work.
  bool has_resigned = false;
};

/// The processes that may write a database. Each takes a new number when it opens the database, and
/// running work (effects, sagas) belongs to a number. A process believed dead is fenced: its number
/// is struck out in the transaction in which another takes over its work, as far as that one can
/// continue it, and each of its later turns detects that before it writes. The database decides,
/// not the clock. A process that the others' brokers do not list is first asked in the database:
/// another broker may serve it.
///
/// Borrows the session; each function runs in the current turn and throws database_error.
/// @source runtime/store/FORMAT.md, "writers".
class writers {
public:
  explicit writers(database& session) : session_{session} {}

  /// A new number for this process.
  std::int64_t add(std::string_view node, const uuid& incarnation, wall_time now);

  /// Whether `id` has been struck out, or is unknown.
  bool is_fenced(std::int64_t id) { return condition_of(id).is_fenced; }

  /// The state of a writer's row, as set by others.
  struct condition {
    /// It has been struck out, or is unknown.
    bool is_fenced = true;
    /// It was asked whether it is alive, and has not answered.
    bool is_asked = false;
  };

  condition condition_of(std::int64_t id);

  /// The processes that are not fenced, except `self`.
  std::vector<writer_row> others(std::int64_t self);

  /// Asks whether `id` is alive.
  /// @return the number of the question.
  std::int64_t ask(std::int64_t id);

  /// Answers the question to `id`, if there is one.
  void answer(std::int64_t id);

  /// Writes the row of `id` unchanged, so that the commit of this turn waits for the server's
  /// standbys, which then also have all earlier commits.
  void touch(std::int64_t id);

  /// Gives up the work of `id`, for others to take over at once.
  void resign(std::int64_t id);

  /// Strikes `id` out: its work has no owner, until a process that can continue it takes it over.
  void fence(std::int64_t id);

  /// Strikes out all numbers of a process.
  void fence_process(const uuid& incarnation);

private:
  database& session_;
};

/// The result of an effect whose settlement failed, so that it is not settled yet.
struct unsettled_result {
  /// `bytes` is an error's MessagePack map, else the result's body.
  bool failed = false;
  std::string bytes;
  /// The settlements that failed.
  std::uint32_t attempts = 0;
};

/// An effect: committed work outside the system, run until it has a result.
struct effect_row {
  /// The same for every attempt, so that the other system recognizes repeats.
  uuid key;
  /// The call that waits for it.
  uuid call;
  std::string name;
  std::string request;
  std::optional<unsettled_result> unsettled{};
  /// Of the turn that asked for it (observe/trace_context.hpp); may be empty.
  std::string trace{};
};

/// The effects that were committed and have no result yet.
class effects {
public:
  explicit effects(database& session) : session_{session} {}

  void add(const effect_row& effect, std::int64_t writer);
  void remove(const uuid& key);
  /// The effect with `key`, if `writer` owns it and its result is not settled yet; without that
  /// result.
  std::optional<effect_row> find(const uuid& key, std::int64_t writer);
  /// The effects that `writer` owns, with their unsettled results.
  std::vector<effect_row> of(std::int64_t writer);
  /// The names of the effects whose owners are fenced.
  std::vector<std::string> names_left();
  /// Assigns the effects of this name whose owners are fenced to `heir`.
  void take_left(std::string_view name, std::int64_t heir);

private:
  database& session_;
};

/// An event of the outbox.
struct outbox_row {
  /// 1, 2, 3 ... without gaps.
  std::uint64_t seq = 0;
  uuid id;
  std::string topic;
  std::string key;
  std::string body;
  /// Of the turn that published it (observe/trace_context.hpp); may be empty.
  std::string trace{};
};

/// An outbox event whose texts are borrowed.
struct outbox_view {
  std::uint64_t seq = 0;
  uuid id;
  std::string_view topic;
  std::string_view key;
  std::string_view body;
  std::string_view trace{};
};

/// A number of an outbox that a journal has confirmed, with the event's id and its position there;
/// zeros if unknown.
struct outbox_mark {
  std::uint64_t confirmed = 0;
  uuid id;
  std::uint64_t position = 0;
  /// The sum of the digests of the events up to this one, from where the journal began to add; none
  /// if it was not reported.
  std::optional<std::uint64_t> digest{};
};

/// The digest of an event's number and id. The sum over all events of an outbox identifies which
/// events had which numbers, in any order of addition.
std::uint64_t outbox_digest(std::uint64_t seq, const uuid& id);

/// The events to be sent to the journal. Each has the next number of a sequence without gaps.
class outbox {
public:
  explicit outbox(database& session) : session_{session} {}

  /// The number and id of the newest event; 0 if there was none yet.
  std::pair<std::uint64_t, uuid> newest();

  /// Reads the number of the newest event by the session's next await(), and passes it to `each`,
  /// if there is one.
  void ask_newest(std::function<void(std::uint64_t)> each);

  /// The number of the oldest event; 1 if there is none.
  std::uint64_t oldest();

  /// The id of an event that still exists.
  std::optional<uuid> id_of(std::uint64_t seq);

  /// The sum of the digests of the events numbered above `from`, up to `to`; nothing if it is
  /// unknown. Starts from the sum of the mark.
  std::optional<std::uint64_t> digest_between(std::uint64_t from, std::uint64_t to);

  /// The highest stored number that a journal has confirmed: at least that of the last event
  /// deleted.
  outbox_mark mark();
  /// Stores the confirmation, unless another process has stored a higher one.
  void raise_mark(const outbox_mark& mark);
  /// For an operator who continues the outbox with another journal.
  void set_mark(const outbox_mark& mark);

  /// @param row its `seq` is that of the newest plus 1.
  void add(const outbox_row& row);

  /// Passes the events numbered `from` to `to` to `each`, in order, until `each` refuses one or
  /// they reach `bytes_max`; the first is passed whatever its size. The row is valid until `each`
  /// returns.
  ///
  /// @return the last finished number: the one before a refused event, or that of the last event
  /// passed if there may be more, else `to`.
  std::uint64_t read(
      std::uint64_t from,
      std::uint64_t to,
      std::size_t bytes_max,
      const std::function<bool(const outbox_view&)>& each);

  /// Deletes the events up to `confirmed`, except the newest of all: the next number is computed
  /// from it, and a sequence that restarts would look like a restored backup.
  ///
  /// @param deleted the number up to which all are deleted already.
  void forget(std::uint64_t deleted, std::uint64_t confirmed);

private:
  database& session_;
};

} // namespace troupe::store

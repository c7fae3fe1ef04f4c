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

/// A process that writes a database, as its row in `writers` has it.
struct writer_row {
  std::int64_t id = 0;
  std::string node;
  uuid incarnation;
  /// The questions whether it is alive, and those that it has answered, by number.
  std::int64_t asked = 0;
  std::int64_t answered = 0;
  /// It has given its work up.
  bool has_resigned = false;
};

/// The processes that may write a database. Each takes a new number when it opens the database, and
/// work under way (effects, sagas) belongs to a number. A process given up for dead is fenced: its
/// number is struck out in the transaction in which another takes over its work, as far as that one
/// can go on with it, and each of its later turns finds that out before it writes. The database
/// decides, not the clock. One that no broker of the others lists is asked in the database first:
/// it may be served by another broker.
///
/// Borrows the session; each function belongs to the turn of the moment and throws database_error.
/// @source runtime/store/FORMAT.md, "writers".
class writers {
public:
  explicit writers(database& session) : session_{session} {}

  /// A new number for this process.
  std::int64_t add(std::string_view node, const uuid& incarnation, wall_time now);

  /// True if `id` has been struck out, or is not known at all.
  bool is_fenced(std::int64_t id) { return condition_of(id).is_fenced; }

  /// How others have left a writer's row.
  struct condition {
    /// It has been struck out, or is not known at all.
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

  /// Answers what was asked of `id`, if anything was.
  void answer(std::int64_t id);

  /// Writes the row of `id` as it is, so that the commit of this turn waits for the standbys of its
  /// server, and all that was committed before is there, too, when it returns.
  void touch(std::int64_t id);

  /// Gives the work of `id` up, for others to take over at once.
  void resign(std::int64_t id);

  /// Strikes `id` out: what it owned belongs to nobody, until somebody who can go on with it takes
  /// it over.
  void fence(std::int64_t id);

  /// Strikes out all numbers that a process has had.
  void fence_process(const uuid& incarnation);

private:
  database& session_;
};

/// The result of an effect whose settlement failed, so that it is not in the books yet.
struct unsettled_result {
  /// `bytes` is an error's MessagePack map, else the result's body.
  bool failed = false;
  std::string bytes;
  /// The settlements that failed.
  std::uint32_t attempts = 0;
};

/// Work outside the system: committed, and to be run until it has a result.
struct effect_row {
  /// Stable over every repeat; what the outside recognizes it by.
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
  /// Gives the effects of this name whose owners are fenced to `heir`.
  void take_left(std::string_view name, std::int64_t heir);

private:
  database& session_;
};

/// An event as the outbox has it.
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
/// zeros where they are not known.
struct outbox_mark {
  std::uint64_t confirmed = 0;
  uuid id;
  std::uint64_t position = 0;
  /// The sum of the digests of the events up to this one, from where the journal began to add; none
  /// if it did not say.
  std::optional<std::uint64_t> digest{};
};

/// Of an event's number and id. The sum over all events of an outbox says which events had which
/// numbers, in whatever order it is made up.
std::uint64_t outbox_digest(std::uint64_t seq, const uuid& id);

/// The events that are still to leave. Each has the next number of a sequence without gaps.
class outbox {
public:
  explicit outbox(database& session) : session_{session} {}

  /// The number and id of the newest event; 0 if there was none yet.
  std::pair<std::uint64_t, uuid> newest();

  /// Reads the number of the newest event by the session's next await(), and shows it to `each`, if
  /// there is one.
  void ask_newest(std::function<void(std::uint64_t)> each);

  /// The number of the oldest event; 1 if there is none.
  std::uint64_t oldest();

  /// The id of an event that is still there.
  std::optional<uuid> id_of(std::uint64_t seq);

  /// The sum of the digests of the events numbered above `from`, up to `to`; nothing if that is not
  /// known any more. Begins with what the mark has of it.
  std::optional<std::uint64_t> digest_between(std::uint64_t from, std::uint64_t to);

  /// The highest number that a journal has confirmed, as far as that was written down: at least
  /// that of the last event deleted.
  outbox_mark mark();
  /// Writes down what was confirmed, unless another process has heard of more.
  void raise_mark(const outbox_mark& mark);
  /// For a person who lets the outbox go on with another journal.
  void set_mark(const outbox_mark& mark);

  /// @param row its `seq` is that of the newest plus 1.
  void add(const outbox_row& row);

  /// Shows the events numbered `from` to `to`, in order, until `each` refuses one or they have come
  /// to `bytes_max`; the first is shown whatever its size. What `each` sees of a row is valid until
  /// it returns.
  ///
  /// @return the last number that is done with: the one before that refused, or of the last shown
  /// if there may be more, else `to`.
  std::uint64_t read(
      std::uint64_t from,
      std::uint64_t to,
      std::size_t bytes_max,
      const std::function<bool(const outbox_view&)>& each);

  /// Deletes the events up to `confirmed`, except the newest of all: the next number follows from
  /// it, and a sequence that began again would be taken for a restored backup.
  ///
  /// @param deleted up to here there is none any more.
  void forget(std::uint64_t deleted, std::uint64_t confirmed);

private:
  database& session_;
};

} // namespace troupe::store

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
/// number is struck out in the transaction in which another takes over its work, and each of its
/// later turns finds that out before it writes. The database decides, not the clock. One that no
/// broker of the others lists is asked in the database first: it may be served by another broker.
///
/// Borrows the session; each function belongs to the turn of the moment and throws database_error.
/// @source runtime/store/FORMAT.md, "writers".
class writers {
public:
  explicit writers(database& session) : session_{session} {}

  /// A new number for this process.
  std::int64_t add(std::string_view node, const uuid& incarnation, wall_time now);

  /// True if `id` has been struck out, or is not known at all.
  bool is_fenced(std::int64_t id);

  /// The processes that are not fenced, except `self`.
  std::vector<writer_row> others(std::int64_t self);

  /// Asks whether `id` is alive.
  /// @return the number of the question.
  std::int64_t ask(std::int64_t id);

  /// Answers what was asked of `id`, if anything was.
  void answer(std::int64_t id);

  /// Gives the work of `id` up, for others to take over at once.
  void resign(std::int64_t id);

  /// Strikes `id` out and gives its effects to `heir`.
  void take_over(std::int64_t id, std::int64_t heir);

private:
  database& session_;
};

/// Work outside the system: committed, and to be run until it has a result.
struct effect_row {
  /// Stable over every repeat; what the outside recognizes it by.
  uuid key;
  /// The call that waits for it.
  uuid call;
  std::string name;
  std::string request;
};

/// The effects that were committed and have no result yet.
class effects {
public:
  explicit effects(database& session) : session_{session} {}

  void add(const effect_row& effect, std::int64_t writer);
  void remove(const uuid& key);
  /// The effect with `key`, if `writer` owns it and it has no result yet.
  std::optional<effect_row> find(const uuid& key, std::int64_t writer);
  std::vector<effect_row> of(std::int64_t writer);

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
};

/// An outbox event whose texts are borrowed.
struct outbox_view {
  std::uint64_t seq = 0;
  uuid id;
  std::string_view topic;
  std::string_view key;
  std::string_view body;
};

/// The events that are still to leave. Each has the next number of a sequence without gaps.
class outbox {
public:
  explicit outbox(database& session) : session_{session} {}

  /// The number and id of the newest event; 0 if there was none yet.
  std::pair<std::uint64_t, uuid> newest();

  /// The number of the oldest event; 1 if there is none.
  std::uint64_t oldest();

  /// @param row its `seq` is that of the newest plus 1.
  void add(const outbox_row& row);

  /// Shows the events numbered `from` to `to`, in order, until `each` returns false. What `each`
  /// sees of a row is valid until it returns.
  void
  read(std::uint64_t from, std::uint64_t to, const std::function<bool(const outbox_view&)>& each);

  /// Deletes the events up to `confirmed`, except the newest of all: the next number follows from
  /// it, and a sequence that began again would be taken for a restored backup.
  /// @return how many were forgotten.
  std::int64_t forget(std::uint64_t confirmed);

private:
  database& session_;
};

} // namespace troupe::store

#pragma once

#include "runtime/ids.hpp"
#include "runtime/store/database.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace troupe::store {

/// The state of an inbox row's message. The numbers are in the database.
enum class inbox_state : std::uint8_t {
  /// Its answer is stored later, by the effect or the saga that works on it.
  pending = 1,
  ok = 2,
  refused = 3,
};

/// A message's row in the inbox.
struct inbox_entry {
  inbox_state state = inbox_state::pending;
  std::uint64_t digest = 0;
  /// The reply's body, or the error as a MessagePack map; empty while pending.
  std::string reply;
};

/// The node, replica and attempt that handled a message, for people who ask later.
struct handled_by {
  std::string_view node;
  int replica = 0;
  int attempt = 1;
};

/// A row to be inserted; borrows its texts.
struct inbox_row {
  uuid id;
  std::string_view operation;
  std::uint64_t digest = 0;
  inbox_state state = inbox_state::pending;
  std::string_view reply;
  handled_by by;
};

/// The handled messages of a database, by id, with their answers, which make a repeat harmless.
///
/// Borrows the session; each function runs in the current turn and throws database_error.
class inbox {
public:
  explicit inbox(database& session) : session_{session} {}

  std::optional<inbox_entry> find(const uuid& id);

  /// Requests the rows of `ids`, many in one statement. `found` is called for each existing row, by
  /// the session's next await(); it must not throw.
  void ask(std::span<const uuid> ids, const std::function<void(const uuid&, inbox_entry&&)>& found);

  /// The greatest id; all zeros if there is none.
  uuid newest();

  /// The least id of an answered message.
  std::optional<uuid> oldest_answered();

  /// Best `rows_best` at a time: in one statement a row costs about three quarters of its cost
  /// alone. Rows inserted before a refused one may stay: undo the turn.
  void insert(std::span<const inbox_row> rows);

  static constexpr std::size_t rows_best = 32;

  /// Stores the answer of a pending message.
  /// @return false if it is not pending: it has an answer, and nothing changed.
  bool settle(const uuid& id, inbox_state state, std::string_view reply);

  /// The same, unless the message waits for another effect than `by`.
  bool settle_by(const uuid& by, const uuid& id, inbox_state state, std::string_view reply);

  /// The messages that `forget` deletes: calls (UUIDv7), or calls and the commands of sagas
  /// (derived ids).
  enum class kind : std::uint8_t { calls, all };

  /// Deletes the answered ones among the next `rows_max` messages with ids from `from` to below
  /// `to`.
  /// @return the id at which the next ones begin; `to` if there are none.
  uuid forget(kind which, const uuid& from, const uuid& to, int rows_max);

private:
  database& session_;
};

/// The least id with the time `time`: every id made at or after it is not less; all zeros before
/// 1970.
uuid floor_id(wall_time time);

} // namespace troupe::store

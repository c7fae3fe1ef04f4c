#pragma once

#include "runtime/actor/turn.hpp"
#include "runtime/store/blobs.hpp"
#include "runtime/wire/message.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// A row for each id, made by the do or the undo of a saga step, whichever comes first: so an
/// undo that arrives before its do leaves a tombstone. For actors with their own tables of
/// reservations; `reservations` has both.
class claims {
public:
  /// @param table has the primary key `key`; all its columns but `columns` have defaults.
  claims(
      const std::string& table,
      const std::string& key,
      const std::vector<std::string>& columns = {})
      : sql_{"INSERT INTO " + table + " (" + key} {
    std::string values = "$1";
    for (std::size_t i = 0; i < columns.size(); ++i) {
      sql_ += ", " + columns[i];
      values += ", $" + std::to_string(i + 2);
    }
    sql_ += ") VALUES (" + values + ") ON CONFLICT (" + key + ") DO NOTHING";
  }

  /// Makes the row, with a value for each of the columns. @return false if it existed.
  template <class... Values>
  bool is_first(const uuid& id, turn& turn, const Values&... values) const {
    return turn.database().execute(sql_, id, values...) != 0;
  }

private:
  std::string sql_;
};

/// The refusal of a do whose undo came before it.
inline error already_undone(const uuid& id) {
  return rejected("cancelled", "What " + to_string(id) + " would reserve was released before.");
}

/// The refusal of a do that requests something else under a known id.
inline error reserved_otherwise(const uuid& id) {
  return rejected("reserved_otherwise", to_string(id) + " has reserved something else.");
}

/// The table of `reservations`, as a migration of the capability that has them.
inline constexpr std::string_view reserved_table = R"sql(
CREATE TABLE reserved (
  kind TEXT NOT NULL,
  id BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('held', 'released')),
  request BLOB NOT NULL,
  reply BLOB NOT NULL,
  PRIMARY KEY (kind, id)
) WITHOUT ROWID;
)sql";

/// The participant's side of a saga step that can be undone, declared by two functions: for each id
/// something is taken once and given back once, even if messages come twice, late, or in the wrong
/// order.
///
/// | Request | Result |
/// | --- | --- |
/// | `reserve` | the answer of `take`; a refusal leaves nothing |
/// | the same again | the first answer |
/// | another request under the id | `rejected`, reason `reserved_otherwise` |
/// | `reserve` after `release` | `rejected`, reason `cancelled` |
/// | `release` | gives back, once; before any `reserve` it leaves a tombstone |
///
/// Its table is `reserved_table`. Pure except for the turn's database; one for all instances.
template <wire::message Request, wire::message Reply>
class reservations {
public:
  /// Takes what is requested, or refuses before it writes anything.
  using taker = std::function<outcome<Reply>(const Request&, turn&)>;
  /// Undoes the writes of `take` for that request.
  using giver = std::function<void(const Request&, turn&)>;

  /// @param kind tells the rows of several `reservations` of a capability apart.
  reservations(std::string kind, taker take, giver give_back)
      : kind_{std::move(kind)}, take_{std::move(take)}, give_back_{std::move(give_back)} {}

  outcome<Reply> reserve(const uuid& id, const Request& request, turn& turn) const {
    const std::string asked = wire::encoded(request);
    if (const auto known = find(id, turn)) {
      if (known->is_released) {
        return failure{already_undone(id)};
      }
      if (!is_same(known->request, asked)) {
        return failure{reserved_otherwise(id)};
      }
      return wire::checked_decode<Reply>(known->reply);
    }
    auto taken = take_(request, turn);
    if (taken) {
      add(id, "held", asked, wire::encoded(*taken), turn);
    }
    return taken;
  }

  /// @return the request that was given back; nothing if nothing was held.
  std::optional<Request> release(const uuid& id, turn& turn) const {
    const auto known = find(id, turn);
    if (!known) {
      add(id, "released", {}, {}, turn);
    }
    if (!known || known->is_released) {
      return std::nullopt;
    }
    Request held = wire::checked_decode<Request>(known->request).value();
    give_back_(held, turn);
    turn.database().execute(
        "UPDATE reserved SET state = 'released' WHERE kind = $1 AND id = $2", kind_, id);
    return held;
  }

private:
  /// Whether a stored request is the one that is asked, though a release before this one wrote it,
  /// whose message had fewer fields.
  static bool is_same(const std::string& stored, const std::string& asked) {
    if (stored == asked) {
      return true;
    }
    const auto before = wire::checked_decode<Request>(stored);
    return before && wire::encoded(*before) == asked;
  }

  struct row_of_id {
    bool is_released = false;
    std::string request;
    std::string reply;
  };

  std::optional<row_of_id> find(const uuid& id, turn& turn) const {
    std::optional<row_of_id> found;
    turn.database().query(
        "SELECT state, request, reply FROM reserved WHERE kind = $1 AND id = $2",
        [&](const store::row& row) {
          found = {
              row.text(0) == "released",
              std::string{store::text_of(row.bytes(1))},
              std::string{store::text_of(row.bytes(2))}};
        },
        kind_,
        id);
    return found;
  }

  void
  add(const uuid& id,
      std::string_view state,
      const std::string& request,
      const std::string& reply,
      turn& turn) const {
    turn.database().execute(
        "INSERT INTO reserved (kind, id, state, request, reply) VALUES ($1, $2, $3, $4, $5)",
        kind_,
        id,
        state,
        store::bytes_of(request),
        store::bytes_of(reply));
  }

  std::string kind_;
  taker take_;
  giver give_back_;
};

} // namespace troupe

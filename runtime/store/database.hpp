#pragma once

#include "runtime/error.hpp"
#include "runtime/ids.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace troupe::store {

/// SQL's NULL.
struct null_value {
  bool operator==(const null_value&) const = default;
};

/// Borrowed bytes.
using blob = std::span<const std::byte>;

/// One bound parameter. Text and bytes are borrowed for the call.
using value = std::variant<null_value, std::int64_t, double, std::string_view, blob>;

/// The kinds of database errors that callers can tell apart and act on.
enum class database_fault : std::uint8_t {
  /// A unique, foreign key, check or not-null rule refused the change; only that statement is
  /// undone.
  constraint,
  /// No room on the disk. Refuse new work, keep reading, try again later.
  full,
  /// Another session held a needed lock for longer than the bounded wait. Retry the transaction.
  busy,
  /// A statement ran for too long, or a person cancelled it: the server has ended it and undone the
  /// transaction. Another message may be quicker.
  too_long,
  /// The file is damaged or not one of ours. Stop serving it; a person has to look.
  corrupt,
  /// Reading or writing failed. The effect of a failed commit() is unknown until the file is opened
  /// again.
  io,
  /// The disk did not confirm an fsync. Cached pages cannot be trusted: the process has to stop.
  fsync,
  /// The database server cannot be reached, or was lost before the transaction ended, which then
  /// did not happen. Reconnect; messages may wait meanwhile.
  away,
  /// The server was lost during a commit: only the database can show whether the transaction
  /// happened. Reconnect, fence this writer's earlier identity with a commit, and look.
  unknown,
  /// The statement does not fit the tables, or its parameters do not fit the statement: a mistake
  /// in the program.
  schema,
  other,
};

std::string_view name_of(database_fault fault);

/// Thrown by sessions. This is the one place where Troupe throws for expected failures: a handler
/// writes `turn.database().execute(...)` line after line, an ignored outcome would let a half-done
/// turn commit, and the drivers below are foreign libraries. The turn catches it.
class database_error : public std::runtime_error {
public:
  /// `native` is the driver's own code, for the log (SQLite: the extended result code).
  database_error(database_fault fault, const std::string& message, int native = 0)
      : std::runtime_error{message}, kind{fault}, native_code{native} {}

  /// The error for the caller: full, busy, too_long, away and unknown are `unavailable`, constraint
  /// is `conflict`, the rest `internal`; the effect is unknown for io, fsync and unknown, since a
  /// commit may have failed half-way.
  error to_error() const;

  database_fault kind;
  int native_code;
  /// The earlier message whose statement failed (database::belongs_to), if a session that defers
  /// statements found out during another message.
  std::optional<std::size_t> of_message{};
};

/// One row of a result, columns from 0. It and its views are valid until the row callback returns.
///
/// A NULL reads as 0, 0.0 or nothing. A missing column throws database_error (schema).
class row {
public:
  virtual int columns() const = 0;
  virtual bool is_null(int column) const = 0;
  virtual std::int64_t integer(int column) const = 0;
  virtual double real(int column) const = 0;
  virtual std::string_view text(int column) const = 0;
  virtual blob bytes(int column) const = 0;

  /// The id in a column of 16 bytes. Throws database_error (schema) for anything else.
  uuid id(int column) const;

protected:
  row() = default;
  row(const row&) = default;
  row& operator=(const row&) = default;
  ~row() = default;
};

class database;

/// The number of rows that a statement has changed.
///
/// A session may defer statements whose count nobody reads: reading it waits for the database, and
/// throws as the statement would have. Read it before the transaction ends.
class affected {
public:
  explicit affected(std::int64_t rows) : number_{rows} {}

  /// @param statement the session's own number for it.
  affected(database& session, std::uint64_t statement)
      : session_{&session}, number_{static_cast<std::int64_t>(statement)} {}

  // NOLINTNEXTLINE(google-explicit-constructor): stands for the number wherever one is wanted.
  operator std::int64_t() const;

  /// The number of the same statement, read through a session that wraps this one.
  affected through(database& before) const {
    affected same{*this};
    same.session_ = session_ == nullptr ? nullptr : &before;
    return same;
  }

private:
  database* session_ = nullptr;
  std::int64_t number_;
};

/// The receiver of a statement's rows: a reference to a callable, or none. Not owning.
class row_visitor {
public:
  row_visitor() = default;

  template <class Callback>

  requires(!std::is_same_v<std::remove_cvref_t<Callback>, row_visitor>)
      // NOLINTNEXTLINE(google-explicit-constructor): stands for the callable wherever one is given.
      row_visitor(Callback& callback)
      : target_{const_cast<void*>(static_cast<const void*>(std::addressof(callback)))},
        call_{[](void* target, const row& current) {
          auto& call = *static_cast<Callback*>(target);
          if constexpr (std::is_same_v<decltype(call(current)), bool>) {
            return call(current);
          } else {
            call(current);
            return true;
          }
        }} {}

  /// Returns false if no more rows are wanted.
  bool operator()(const row& current) const { return call_ == nullptr || call_(target_, current); }

private:
  void* target_ = nullptr;
  bool (*call_)(void*, const row&) = nullptr;
};

namespace detail {

template <class T>
struct is_optional : std::false_type {};

template <class T>
struct is_optional<std::optional<T>> : std::true_type {};

template <class T>
struct is_named : std::false_type {};

template <class Tag>
struct is_named<named<Tag>> : std::true_type {};

template <class>
inline constexpr bool never = false;

template <class T>
value to_value(const T& argument) {
  if constexpr (std::is_same_v<T, value>) {
    return argument;
  } else if constexpr (std::is_same_v<T, null_value> || std::is_same_v<T, std::nullopt_t>) {
    return null_value{};
  } else if constexpr (is_optional<T>::value) {
    return argument ? to_value(*argument) : value{null_value{}};
  } else if constexpr (std::is_same_v<T, uuid>) {
    return blob{argument.view()};
  } else if constexpr (is_named<T>::value) {
    return std::string_view{argument.value};
  } else if constexpr (std::is_integral_v<T>) {
    // Columns hold 64 signed bits; an unsigned value (a digest) keeps its bits.
    return static_cast<std::int64_t>(argument);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<double>(argument);
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return std::string_view{argument};
  } else if constexpr (std::is_convertible_v<const T&, blob>) {
    return blob{argument};
  } else {
    static_assert(never<T>, "not a type that a column can hold");
  }
}

} // namespace detail

/// A session with one database: one connection, at most one transaction.
///
/// Used by one thread at a time. Every function that touches the database throws database_error.
/// Portable SQL only: placeholders are $1..$n (each used at least once), one statement per call.
///
/// After any error inside a transaction there are two ways to go on: rollback() or
/// rollback_to_savepoint(), since PostgreSQL accepts nothing else. SQLite, too, drops the whole
/// transaction for some errors (full, io); the session then refuses every statement until
/// rollback() is called, so that no statement runs outside a transaction that its author believes
/// open.
class database {
public:
  database() = default;
  database(const database&) = delete;
  database& operator=(const database&) = delete;
  virtual ~database() = default;

  /// Starts a writing transaction (SQLite: BEGIN IMMEDIATE). None may be open, and none is if this
  /// throws.
  virtual void begin() = 0;

  /// Makes the transaction durable; it is on the disk when this returns.
  ///
  /// If it throws, no transaction is open. For io and fsync the outcome is unknown until the next
  /// opening; otherwise the transaction did not happen.
  virtual void commit() = 0;

  /// Undoes the transaction, if there is one. If even that fails, the session is unusable: every
  /// later call throws.
  virtual void rollback() noexcept = 0;

  /// Marks a point inside the transaction. Savepoints nest.
  virtual void savepoint() = 0;

  /// Forgets the innermost savepoint and keeps what was done since.
  virtual void release() = 0;

  /// Undoes what was done since the innermost savepoint, and forgets it.
  virtual void rollback_to_savepoint() = 0;

  /// True from begin() to commit() or rollback(), even if an error has undone the transaction
  /// meanwhile.
  virtual bool in_transaction() const = 0;

  /// Runs one statement. `parameters` are $1.. in order; `visit` sees each row.
  ///
  /// The statement must be the only one in `sql`, and no BEGIN, COMMIT, SAVEPOINT, ATTACH or
  /// PRAGMA. Prepared statements are kept by their text, so `sql` is best a literal.
  ///
  /// @return rows changed by INSERT, UPDATE or DELETE; 0 for other statements.
  virtual std::int64_t
  run(std::string_view sql, std::span<const value> parameters, row_visitor visit) = 0;

  /// Runs a statement whose rows, if any, are not wanted. The session may defer it until a caller
  /// waits for its count, for another statement's rows, or for the commit; these then throw its
  /// error.
  virtual affected change(std::string_view sql, std::span<const value> parameters) {
    return affected{run(sql, parameters, row_visitor{})};
  }

  /// Runs a query whose rows are wanted by the next `await`, so that several are answered at once.
  /// `each` is called until then, and runs no statements.
  virtual void
  ask(std::string_view sql,
      std::span<const value> parameters,
      std::function<void(const row&)> each) {
    run(sql, parameters, row_visitor{each});
  }

  /// Waits for all deferred statements.
  virtual void await() {}

  /// The following statements belong to this message, by a number of the caller's, or to none. An
  /// error that is found late names it (database_error::of_message).
  virtual void belongs_to(std::optional<std::size_t> message) { static_cast<void>(message); }

  /// Runs several statements without parameters, such as a migration. Nothing is kept prepared.
  virtual void script(std::string_view sql) = 0;

  /// Housekeeping of the store. Call it after a commit, still holding the writers' lock.
  /// Cheap when there is nothing to do. (SQLite: checkpoint; PostgreSQL: nothing.)
  virtual void checkpoint() {}

  /// Like checkpoint(), but complete: for an orderly end, so that the database's file is whole by
  /// itself. What a reader holds up is left; the last process to end copies it.
  virtual void checkpoint_all() {}

  /// How many pages checkpoint() would copy back now; 0 if there is nothing to do.
  virtual std::int64_t checkpoint_due() const { return 0; }

  /// Whether all rows of a result are in memory before the first is shown. Queries should then
  /// select no rows that they do not want (page.hpp).
  virtual bool holds_whole_results() const { return false; }

  /// Rises with every row that INSERT, UPDATE and DELETE have, or may have, changed in this
  /// session, undone changes included. Compare two readings to see whether something was written in
  /// between.
  virtual std::int64_t changes() const = 0;

  /// A number that changes with each commit of any session that the current transaction sees: while
  /// it is the same, nothing that was read has changed. Comparable within this session only.
  /// Nothing if it is not known.
  virtual std::optional<std::uint64_t> version() const { return std::nullopt; }

  /// True once the connection is lost: every call but rollback() throws `away` until reconnect().
  virtual bool is_lost() const { return false; }

  /// Reconnects if the connection is lost. What was prepared, read or assumed before may be wrong.
  /// Throws database_error: `away` if no server is found; `corrupt` if it has another database.
  virtual void reconnect() {}

  /// Ends the session that has the writers' lock if the server has waited for its process for
  /// longer than a transaction may be idle: that process is stopped, or its host is gone. Never
  /// ends a session whose commit waits for a standby. Call it outside a transaction, after `busy`.
  virtual void end_stalled_writer() {}

  /// Whether there is a table of this name.
  virtual bool has_table(std::string_view name) = 0;

  /// The id given to this database when it was made. It reveals a lost or restored file.
  virtual uuid instance() const = 0;

  /// `change`, with the parameters as they are.
  template <class... Args>
  affected execute(std::string_view sql, const Args&... args) {
    const std::array<value, sizeof...(Args)> parameters{detail::to_value(args)...};
    return change(sql, parameters);
  }

  /// Runs a statement and passes each row to `each(const row&)`, which may return bool: false stops
  /// the reading.
  template <class Callback, class... Args>
  std::int64_t query(std::string_view sql, Callback&& each, const Args&... args) {
    const std::array<value, sizeof...(Args)> parameters{detail::to_value(args)...};
    return run(sql, parameters, row_visitor{each});
  }

  /// The integer in the first column of the first row; nothing if there is no row, or a NULL.
  template <class... Args>
  std::optional<std::int64_t> integer_of(std::string_view sql, const Args&... args) {
    std::optional<std::int64_t> found;
    auto first = [&found](const row& current) {
      if (!current.is_null(0)) {
        found = current.integer(0);
      }
      return false;
    };
    query(sql, first, args...);
    return found;
  }

  /// The text in the first column of the first row; nothing if there is no row, or a NULL.
  template <class... Args>
  std::optional<std::string> text_of(std::string_view sql, const Args&... args) {
    std::optional<std::string> found;
    auto first = [&found](const row& current) {
      if (!current.is_null(0)) {
        found = std::string{current.text(0)};
      }
      return false;
    };
    query(sql, first, args...);
    return found;
  }

private:
  friend class affected;

  /// The count of a deferred statement; waits for it.
  virtual std::int64_t affected_by(std::uint64_t statement) {
    return static_cast<std::int64_t>(statement);
  }
};

inline affected::operator std::int64_t() const {
  return session_ == nullptr ? number_ : session_->affected_by(static_cast<std::uint64_t>(number_));
}

/// Rolls back at the end of its scope unless commit() was called.
class transaction {
public:
  explicit transaction(database& session) : session_{&session} { session.begin(); }

  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  ~transaction() {
    if (session_ != nullptr) {
      session_->rollback();
    }
  }

  void commit() {
    auto* session = session_;
    session_ = nullptr;
    session->commit();
  }

private:
  database* session_;
};

} // namespace troupe::store

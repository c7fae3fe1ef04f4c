#pragma once

#include "runtime/store/database.hpp"
#include "runtime/store/postgres/connection.hpp"
#include "runtime/store/postgres/parameters.hpp"
#include "runtime/store/postgres/rows.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>

namespace troupe::store {

/// A statement that was sent, and what to do with its result.
struct postgres_order {
  /// For errors.
  std::string sql{};
  /// The message it belongs to (database::belongs_to).
  std::optional<std::size_t> message{};
  /// Sees the rows; must not run statements.
  std::function<void(const row&)> each{};
  /// Gets the last result, or the number of changed rows.
  postgres_result* result = nullptr;
  std::function<void(std::int64_t)> changed{};
  /// The number of rows, if it stands for as many statements of callers, of this message and later
  /// ones; 0 for a statement sent as it was given.
  std::size_t rows = 0;
  /// Not a statement, but a point at which the server answers.
  bool is_point = false;
};

/// The first error among the results of a pipeline.
struct postgres_trouble {
  database_error error;
  std::optional<std::size_t> message;
};

/// The statements under way on one connection, in order. Confined to one thread at a time.
class postgres_pipeline {
public:
  /// @param patience the longest wait for the server.
  postgres_pipeline(postgres_connection connection, milliseconds patience)
      : connection_{std::move(connection)}, patience_{patience} {}

  /// Sends a statement without parameters.
  void send(const std::string& sql, postgres_order what = {});
  void send(
      const postgres_statement& statement,
      const postgres_parameters& parameters,
      postgres_order what);
  /// As `send`, but an INSERT of one row may wait for others like it, until anything else is sent
  /// or waited for, and go with them as one statement. If that fails, the error names the message
  /// of the first of them, and until `gather` each row is sent by itself, so that a repeat of the
  /// failure names the right one.
  void send_row(
      postgres_statement& statement, const postgres_parameters& parameters, postgres_order what);

  /// Rows may wait for others again.
  void gather() { gathers_ = true; }

  /// Prepares a statement; `described` gets the types of its parameters and columns.
  void prepare(
      const std::string& name,
      const std::string& sql,
      std::optional<std::size_t> message,
      postgres_result& described);

  /// Prepares the statement's form for many rows.
  void prepare_many_rows(const postgres_statement& of, std::optional<std::size_t> message);

  /// Waits for everything under way. Throws database_error (away) if the server is lost; then all
  /// is forgotten.
  ///
  /// @return the first error, after which the server has skipped or refused the rest.
  std::optional<postgres_trouble> drain() { return drain(patience_); }

  std::optional<postgres_trouble> drain(milliseconds patience);

  /// Whether statements of callers (those with parameters) are under way.
  bool has_unread() const { return unread_ != 0; }

  /// Whether rows are under way for a visitor, which may throw.
  bool has_readers() const;

  /// Nobody wants the results of the statements in progress any more.
  void forget_readers();

  /// Closes the connection; what is under way is forgotten.
  void close();

  bool is_lost() const { return handle() == nullptr; }

  PGconn* handle() const { return connection_.get(); }

  /// postgres_connection::take_warning.
  bool take_warning() { return connection_.take_warning(); }

  /// How often the server was waited for.
  std::uint64_t round_trips() const { return round_trips_; }

  /// Continues on another connection.
  void connect(postgres_connection connection);

private:
  /// Sends the rows that wait, if any.
  void send_rows();
  void send_prepared(
      const std::string& name, const postgres_parameters& parameters, postgres_order what);
  void note_failed_rows(const postgres_order& what, database_fault fault);
  [[noreturn]] void not_sent();
  void sent(postgres_order what, std::size_t size);
  void add_point();
  void read(postgres_order& what, instant deadline, std::optional<postgres_trouble>& first);

  postgres_connection connection_;
  milliseconds patience_;
  std::optional<postgres_rows> rows_; // Sent after all orders.
  bool gathers_ = true;
  // Statements whose rows must not be sent together.
  std::set<std::string, std::less<>> never_gathered_;
  std::deque<postgres_order> orders_;
  std::size_t pushed_ = 0; // Of the orders, those that were pushed to the server already.
  std::size_t bytes_ = 0;  // Of the orders not pushed yet.
  std::size_t unread_ = 0;
  std::uint64_t round_trips_ = 0;
};

} // namespace troupe::store

#pragma once

#include "runtime/store/postgres/parameters.hpp"
#include "runtime/store/postgres/statement.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace troupe::store {

/// The rows of one INSERT that wait to be sent as one statement: the server takes many rows in one
/// statement in a fraction of the time of as many statements.
class postgres_rows {
public:
  /// Whether a row may wait at all.
  static bool may_wait(const postgres_statement& of, const postgres_parameters& row);

  /// @param of outlives this.
  /// @param message the message of the first row (database::belongs_to).
  postgres_rows(postgres_statement& of, std::optional<std::size_t> message);

  postgres_statement& statement() const { return *of_; }

  std::optional<std::size_t> message() const { return message_; }

  /// Whether a row of `message` may go together with those here.
  bool may_take(const postgres_statement& of, std::optional<std::size_t> message) const {
    return &of == of_ && message.has_value() == message_.has_value();
  }

  /// Copies a row that may_wait.
  void add(const postgres_parameters& row, std::function<void(std::int64_t)> changed);

  bool is_full() const;

  std::size_t count() const { return count_; }

  /// An array for each parameter of the statement for many rows; borrowed.
  postgres_parameters arrays();
  /// The parameters of the only row; borrowed.
  postgres_parameters only() const;

  /// Tells each row's statement that the row was inserted.
  std::function<void(std::int64_t)> take_changed();

private:
  postgres_statement* of_;
  std::optional<std::size_t> message_;
  std::vector<std::string> columns_; // Each an array in binary form.
  std::vector<bool> has_null_;       // Of each column.
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::vector<std::function<void(std::int64_t)>> changed_;
};

} // namespace troupe::store

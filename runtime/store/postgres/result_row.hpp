#pragma once

#include "runtime/store/database.hpp"

#include <libpq-fe.h>
#include <string_view>

namespace troupe::store {

/// The rows that a statement has changed, as its result says.
std::int64_t changed_rows(PGresult* result);

/// A row of a result in binary form. Borrows the result.
class postgres_row final : public row {
public:
  postgres_row(const PGresult* result, int number) : result_{result}, number_{number} {}

  int columns() const override { return PQnfields(result_); }

  bool is_null(int column) const override {
    return PQgetisnull(result_, number_, checked(column)) != 0;
  }

  std::int64_t integer(int column) const override;
  double real(int column) const override;
  std::string_view text(int column) const override;
  blob bytes(int column) const override;

private:
  int checked(int column) const;
  std::string_view raw(int column) const;
  [[noreturn]] void refuse(int column, std::string_view wanted) const;

  const PGresult* result_;
  int number_;
};

} // namespace troupe::store

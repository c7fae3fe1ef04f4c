#pragma once

#include "runtime/store/database.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::shop {

/// Writes the lines of an order with one INSERT, since a statement costs more than a row. The first
/// column of each row is the order's id.
///
/// The texts, one for each number of rows, are made once: sessions keep prepared statements by
/// text.
class multi_insert {
public:
  /// @param into "table (order_id, a, b)", with as many columns after the first as `columns`.
  multi_insert(std::string_view into, std::size_t columns, std::size_t rows_max);

  /// @param values `columns` values for each row, row by row; 1 to `rows_max` rows.
  void run(store::database& session, const uuid& order, std::span<const store::value> values) const;

private:
  std::size_t columns_;
  std::vector<std::string> texts_; // The statements for 1, 2, 3 ... rows, in this order.
};

} // namespace troupe::shop

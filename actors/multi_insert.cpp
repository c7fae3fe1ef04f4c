#include "actors/multi_insert.hpp"

#include <stdexcept>

namespace troupe::shop {

multi_insert::multi_insert(std::string_view into, std::size_t columns, std::size_t rows_max)
    : columns_{columns} {
  std::string text = "INSERT INTO " + std::string{into} + " VALUES ";
  std::size_t parameter = 1; // $1 is the order's id in every row.
  for (std::size_t row = 0; row < rows_max; ++row) {
    text += row == 0 ? "($1" : ", ($1";
    for (std::size_t column = 0; column < columns; ++column) {
      text += ", $" + std::to_string(++parameter);
    }
    text += ')';
    texts_.push_back(text);
  }
}

void multi_insert::run(
    store::database& session, const uuid& order, std::span<const store::value> values) const {
  const std::size_t rows = values.size() / columns_;
  if (rows == 0 || rows > texts_.size() || values.size() % columns_ != 0) {
    throw std::logic_error{"multi_insert: the number of values does not fit the columns"};
  }
  std::vector<store::value> parameters;
  parameters.reserve(1 + values.size());
  parameters.emplace_back(store::blob{order.view()});
  parameters.insert(parameters.end(), values.begin(), values.end());
  session.run(texts_[rows - 1], parameters, store::row_visitor{});
}

} // namespace troupe::shop

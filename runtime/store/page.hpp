#pragma once

#include "runtime/store/database.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe::store {

/// The number of the row at which a page of large rows ends: the first at which the sizes add up to
/// `bytes_max`. Nothing if all rows fit, or if the session stops reading when its visitor says so,
/// which is cheaper. Other sessions would fetch all rows, perhaps gigabytes of bodies, for the few
/// that fit.
///
/// @param sizes selects number and size of each row, in the order of the page. Sizes by `length` of
/// a column are found without reading the column.
template <class... Args>
std::optional<std::int64_t>
end_of_page(database& session, std::size_t bytes_max, std::string_view sizes, const Args&... args) {
  std::optional<std::int64_t> end;
  if (!session.holds_whole_results()) {
    return end;
  }
  std::size_t bytes = 0;
  session.query(
      sizes,
      [&](const row& each) {
        bytes += static_cast<std::size_t>(each.integer(1));
        if (bytes < bytes_max) {
          return true;
        }
        end = each.integer(0);
        return false;
      },
      args...);
  return end;
}

} // namespace troupe::store

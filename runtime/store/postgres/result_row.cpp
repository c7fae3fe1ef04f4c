#include "runtime/store/postgres/result_row.hpp"

#include "runtime/store/postgres/types.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace troupe::store {

namespace {

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t number = 0;
  for (const char each : bytes.substr(at, size)) {
    number = number << 8 | static_cast<unsigned char>(each);
  }
  return number;
}

/// A NUMERIC, such as the SUM of integers: number of digits, weight of the first one, sign, display
/// scale, then the digits in base 10,000, each of two bytes.
/// @source src/backend/utils/adt/numeric.c, numeric_send()
long double numeric_of(std::string_view bytes) {
  const auto part = [&](std::size_t index) {
    return static_cast<std::int16_t>(number_at(bytes, 2 * index, 2));
  };
  const int count = part(0);
  const int weight = part(1);
  long double sum = 0;
  for (int i = 0; i < count; ++i) {
    sum += static_cast<long double>(part(4 + static_cast<std::size_t>(i)))
           * std::pow(10'000.0L, static_cast<long double>(weight - i));
  }
  return static_cast<std::uint16_t>(part(2)) == 0x4000 ? -sum : sum;
}

} // namespace

std::int64_t changed_rows(PGresult* result) {
  std::int64_t count = 0;
  if (std::string_view{PQcmdStatus(result)}.substr(0, 6) != "SELECT") {
    const std::string_view text = PQcmdTuples(result);
    std::from_chars(text.data(), text.data() + text.size(), count);
  }
  return count;
}

std::int64_t postgres_row::integer(int column) const {
  const std::string_view found = raw(column);
  if (found.data() == nullptr) {
    return 0;
  }
  switch (PQftype(result_, column)) {
  case type_of::int8:
    return static_cast<std::int64_t>(number_at(found, 0, 8));
  case type_of::int4:
    return static_cast<std::int32_t>(number_at(found, 0, 4));
  case type_of::int2:
    return static_cast<std::int16_t>(number_at(found, 0, 2));
  case type_of::oid:
    return static_cast<std::int64_t>(number_at(found, 0, 4));
  case type_of::boolean:
    return found[0] == '\0' ? 0 : 1;
  case type_of::numeric: {
    const long double number = numeric_of(found);
    if (std::fabs(number) > static_cast<long double>(std::numeric_limits<std::int64_t>::max())) {
      refuse(column, "an integer of 64 bits");
    }
    return static_cast<std::int64_t>(number);
  }
  case type_of::float8:
  case type_of::float4:
    return static_cast<std::int64_t>(real(column));
  default:
    refuse(column, "an integer");
  }
}

double postgres_row::real(int column) const {
  const std::string_view found = raw(column);
  if (found.data() == nullptr) {
    return 0;
  }
  switch (PQftype(result_, column)) {
  case type_of::float8:
    return std::bit_cast<double>(number_at(found, 0, 8));
  case type_of::float4:
    return static_cast<double>(
        std::bit_cast<float>(static_cast<std::uint32_t>(number_at(found, 0, 4))));
  case type_of::numeric:
    return static_cast<double>(numeric_of(found));
  default:
    return static_cast<double>(integer(column));
  }
}

std::string_view postgres_row::text(int column) const {
  const std::string_view found = raw(column);
  const Oid type = PQftype(result_, column);
  if (found.data() != nullptr && !type_of::is_text(type) && type != type_of::bytes) {
    refuse(column, "a text");
  }
  return found;
}

blob postgres_row::bytes(int column) const {
  const std::string_view found = raw(column);
  const Oid type = PQftype(result_, column);
  if (found.data() != nullptr && !type_of::is_text(type) && type != type_of::bytes
      && type != type_of::id) {
    refuse(column, "bytes");
  }
  return {reinterpret_cast<const std::byte*>(found.data()), found.size()};
}

int postgres_row::checked(int column) const {
  if (column < 0 || column >= columns()) {
    throw database_error{
        database_fault::schema, fmt::format("column {} of a row of {}", column, columns())};
  }
  return column;
}

/// The bytes of a column; a null view if it is NULL.
std::string_view postgres_row::raw(int column) const {
  if (is_null(column)) {
    return {};
  }
  return {
      PQgetvalue(result_, number_, column),
      static_cast<std::size_t>(PQgetlength(result_, number_, column))};
}

void postgres_row::refuse(int column, std::string_view wanted) const {
  throw database_error{
      database_fault::schema,
      fmt::format(
          "column {} (`{}`) is not {}: it has the type {}",
          column,
          PQfname(result_, column),
          wanted,
          PQftype(result_, column))};
}

} // namespace troupe::store

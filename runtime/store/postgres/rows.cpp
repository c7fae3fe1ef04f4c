#include "runtime/store/postgres/rows.hpp"

#include "runtime/bytes.hpp"
#include "runtime/store/postgres/types.hpp"

#include <utility>

namespace troupe::store {

namespace {

constexpr std::size_t rows_max = 200;
constexpr std::size_t bytes_max = std::size_t{32} * 1024;
/// Copying a larger row costs more than batching it saves.
constexpr std::size_t row_bytes_max = std::size_t{8} * 1024;

// An array in binary form: number of dimensions, whether it contains NULL, element type, element
// count, index of the first element; then each element's length and bytes.
// @source PostgreSQL, src/backend/utils/adt/arrayfuncs.c, array_recv
constexpr std::size_t null_flag_at = 4;
constexpr std::size_t count_at = 12;
constexpr std::size_t head_bytes = 20;
constexpr std::uint32_t no_element = 0xffffffff;

void append(std::string& to, std::uint32_t number) {
  const std::uint32_t bytes = big_endian(number);
  to.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
}

} // namespace

bool postgres_rows::may_wait(const postgres_statement& of, const postgres_parameters& row) {
  return !of.many_rows.empty() && row.are_binary() && row.size() <= row_bytes_max;
}

postgres_rows::postgres_rows(postgres_statement& of, std::optional<std::size_t> message)
    : of_{&of}, message_{message}, columns_(of.parameters.size()), has_null_(columns_.size()) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    append(columns_[i], 1);
    append(columns_[i], 0);
    append(columns_[i], of.parameters[i]);
    append(columns_[i], 0);
    append(columns_[i], 1);
  }
}

void postgres_rows::add(const postgres_parameters& row, std::function<void(std::int64_t)> changed) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const char* const start = row.starts()[i];
    if (start == nullptr) {
      has_null_[i] = true;
      append(columns_[i], no_element);
      continue;
    }
    const auto size = static_cast<std::size_t>(row.lengths()[i]);
    append(columns_[i], static_cast<std::uint32_t>(size));
    columns_[i].append(start, size);
  }
  ++count_;
  bytes_ += row.size();
  changed_.push_back(std::move(changed));
}

bool postgres_rows::is_full() const {
  return count() >= rows_max || bytes_ >= bytes_max;
}

postgres_parameters postgres_rows::arrays() {
  postgres_parameters made;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    store_big_endian(columns_[i].data() + null_flag_at, has_null_[i] ? 1 : 0, 4);
    store_big_endian(columns_[i].data() + count_at, count(), 4);
    made.add(columns_[i].data(), columns_[i].size());
  }
  return made;
}

postgres_parameters postgres_rows::only() const {
  constexpr std::size_t bytes_at = head_bytes + sizeof(std::uint32_t);
  postgres_parameters made;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    made.add(has_null_[i] ? nullptr : columns_[i].data() + bytes_at, columns_[i].size() - bytes_at);
  }
  return made;
}

std::function<void(std::int64_t)> postgres_rows::take_changed() {
  return [each = std::exchange(changed_, {})](std::int64_t) {
    for (const auto& tell : each) {
      if (tell) {
        tell(1);
      }
    }
  };
}

} // namespace troupe::store

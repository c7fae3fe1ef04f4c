#include "runtime/store/copy/table_reader.hpp"

#include "runtime/ids.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::store {

namespace {

// Small, since each row may have a body of several megabytes.
constexpr std::int64_t first_page_rows = 16;
constexpr std::int64_t page_rows_max = 512;
constexpr std::int64_t page_bytes = std::int64_t{4} << 20U;

cell cell_of(const row& from, int at, column_type type) {
  if (from.is_null(at)) {
    return null_value{};
  }
  switch (type) {
  case column_type::integer:
    return from.integer(at);
  case column_type::real:
    return from.real(at);
  case column_type::text:
    return std::string{from.text(at)};
  case column_type::bytes:
    break;
  }
  const blob bytes = from.bytes(at);
  return std::string{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string cell_words(const cell& of, column_type type) {
  if (const auto* const number = std::get_if<std::int64_t>(&of)) {
    return fmt::format("{}", *number);
  }
  if (const auto* const number = std::get_if<double>(&of)) {
    return fmt::format("{}", *number);
  }
  const auto* const text = std::get_if<std::string>(&of);
  if (text == nullptr) {
    return "NULL";
  }
  if (type == column_type::text) {
    return text->substr(0, 80);
  }
  if (const auto id = uuid_from(std::as_bytes(std::span{*text}))) {
    return to_string(*id);
  }
  std::string digits;
  for (const char c : text->substr(0, 32)) {
    digits += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return digits;
}

} // namespace

row_cells cells_of(const row& from, const table& of) {
  row_cells kept;
  kept.reserve(of.columns.size());
  for (std::size_t i = 0; i < of.columns.size(); ++i) {
    kept.push_back(cell_of(from, static_cast<int>(i), of.columns[i].type));
  }
  return kept;
}

value parameter_of(const cell& of, column_type type) {
  if (const auto* const number = std::get_if<std::int64_t>(&of)) {
    return *number;
  }
  if (const auto* const number = std::get_if<double>(&of)) {
    return *number;
  }
  const auto* const text = std::get_if<std::string>(&of);
  if (text == nullptr) {
    return null_value{};
  }
  return type == column_type::text ? value{std::string_view{*text}}
                                   : value{std::as_bytes(std::span{*text})};
}

std::string key_text(const table& of, const row_cells& row) {
  std::string text;
  for (const std::size_t each : of.key) {
    text += fmt::format(
        "{}{}={}",
        text.empty() ? "" : ", ",
        of.columns[each].name,
        cell_words(row[each], of.columns[each].type));
  }
  return text.empty() ? "without a key" : text;
}

std::size_t size_of(const row_cells& row) {
  std::size_t size = 0;
  for (const cell& each : row) {
    const auto* const text = std::get_if<std::string>(&each);
    size += 8 + (text == nullptr ? 0 : text->size());
  }
  return size;
}

table_reader::table_reader(table_space from, const table& what, row_cells after)
    : from_{std::move(from)}, what_{what}, after_{std::move(after)}, rows_max_{first_page_rows} {
}

const row_cells* table_reader::next() {
  if (at_ == page_.size() && !read_page()) {
    return nullptr;
  }
  return &page_[at_++];
}

std::string table_reader::statement() const {
  std::string columns;
  for (const column& each : what_.columns) {
    columns += (columns.empty() ? "" : ", ") + quoted_name(each.name);
  }
  std::string keys;
  std::string marks;
  for (std::size_t i = 0; i < what_.key.size(); ++i) {
    keys += (i == 0 ? "" : ", ") + quoted_name(what_.columns[what_.key[i]].name);
    marks += fmt::format("{}${}", i == 0 ? "" : ", ", i + 1);
  }
  const std::string start = fmt::format("SELECT {} FROM {}", columns, from_.name_of(what_.name));
  if (what_.key.empty()) {
    std::string order;
    for (const column& each : what_.columns) {
      // One engine sorts NULLs first, the other last.
      order += (order.empty() ? "" : ", ") + quoted_name(each.name) + " NULLS FIRST";
    }
    return fmt::format("{} ORDER BY {} LIMIT $1 OFFSET $2", start, order);
  }
  if (after_.empty()) {
    return fmt::format("{} ORDER BY {} LIMIT $1", start, keys);
  }
  return fmt::format(
      "{} WHERE ({}) > ({}) ORDER BY {} LIMIT ${}", start, keys, marks, keys, what_.key.size() + 1);
}

bool table_reader::read_page() {
  page_.clear();
  at_ = 0;
  if (is_over_) {
    return false;
  }
  std::vector<value> parameters;
  if (what_.key.empty()) {
    parameters = {rows_max_, passed_};
  } else {
    for (std::size_t i = 0; i < after_.size(); ++i) {
      parameters.push_back(parameter_of(after_[i], what_.columns[what_.key[i]].type));
    }
    parameters.emplace_back(rows_max_);
  }
  std::int64_t bytes = 0;
  const auto keep = [&](const row& found) {
    bytes += static_cast<std::int64_t>(size_of(page_.emplace_back(cells_of(found, what_))));
  };
  from_.session->run(statement(), parameters, row_visitor{keep});
  const auto rows = static_cast<std::int64_t>(page_.size());
  is_over_ = rows < rows_max_;
  passed_ += rows;
  if (rows == 0) {
    return false;
  }
  after_.clear();
  for (const std::size_t each : what_.key) {
    after_.push_back(page_.back()[each]);
  }
  rows_max_ = std::clamp(
      page_bytes * rows / std::max<std::int64_t>(bytes, 1), std::int64_t{1}, page_rows_max);
  return true;
}

} // namespace troupe::store

#include "runtime/wire/schema.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace troupe::wire {

namespace {

template <class T>
constexpr integer_range whole_range() {
  return {
      static_cast<std::int64_t>(std::numeric_limits<T>::min()),
      static_cast<std::uint64_t>(std::numeric_limits<T>::max())};
}

} // namespace

std::optional<integer_range> range_of(form is) {
  switch (is) {
  case form::int8:
    return whole_range<std::int8_t>();
  case form::int16:
    return whole_range<std::int16_t>();
  case form::int32:
    return whole_range<std::int32_t>();
  case form::int64:
    return whole_range<std::int64_t>();
  case form::uint8:
    return whole_range<std::uint8_t>();
  case form::uint16:
    return whole_range<std::uint16_t>();
  case form::uint32:
    return whole_range<std::uint32_t>();
  case form::uint64:
    return whole_range<std::uint64_t>();
  case form::duration:
    return integer_range{-detail::duration_millis_max, detail::duration_millis_max};
  default:
    return std::nullopt;
  }
}

std::string schema_book::add(const message_shape& type) {
  const auto [known, is_new] = names_.try_emplace(&type);
  if (!is_new) {
    return known->second;
  }
  std::string name{type.name};
  for (int number = 2; find_schema(types_, name) != nullptr; ++number) {
    name = fmt::format("{}_{}", type.name, number);
  }
  known->second = name;
  const std::size_t at = types_.size();
  types_.push_back({name, {}});
  std::vector<field_schema> fields;
  for (const field_shape& each : type.fields) {
    fields.push_back({std::string{each.name}, each.type->is_optional, value_of(*each.type)});
  }
  types_[at].fields = std::move(fields);
  return name;
}

value_schema schema_book::value_of(const shape& type) {
  value_schema made;
  const shape* inner = &type;
  for (; inner->items != nullptr; inner = inner->items) {
    made.within.push_back(inner->is);
  }
  made.is = inner->is;
  if (inner->message != nullptr) {
    made.message = add(inner->message());
  }
  made.words.assign(inner->words.begin(), inner->words.end());
  return made;
}

const message_schema* find_schema(const std::vector<message_schema>& types, std::string_view name) {
  const auto found = std::ranges::find(types, name, &message_schema::name);
  return found == types.end() ? nullptr : &*found;
}

} // namespace troupe::wire

#include "runtime/wire/json.hpp"

#include "runtime/ids.hpp"
#include "runtime/wire/check.hpp"
#include "runtime/wire/reader.hpp"
#include "runtime/wire/writer.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace troupe::wire {

namespace {

// JSON that is written keeps the order of the message. JSON that is read is sorted by key: log(n) a
// key instead of n, and the same bytes and digest in whatever order the sender put them.
using shown = nlohmann::ordered_json;
using parsed = nlohmann::json;

std::string binary_text(std::string_view bytes) {
  if (const auto id = uuid_from(std::as_bytes(std::span{bytes}))) {
    return to_string(*id);
  }
  std::string hex;
  for (const char byte : bytes) {
    hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return hex;
}

shown number(reader& from) {
  std::int64_t whole = 0;
  std::uint64_t large = 0;
  double real = 0;
  if (from.read(whole)) {
    return whole;
  }
  if (from.read(large)) {
    return large;
  }
  (void)from.read(real);
  return real;
}

std::string text_of(const shown& value) {
  // Text that is not UTF-8 is shown with replacement characters rather than refused.
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, shown::error_handler_t::replace);
}

shown value(reader& from);

shown list(reader& from) {
  shown::array_t items;
  std::uint32_t count = 0;
  (void)from.read_array(count);
  for (; count > 0; --count) {
    items.push_back(value(from));
  }
  return items;
}

shown map(reader& from) {
  shown::object_t entries;
  std::uint32_t count = 0;
  (void)from.read_map(count);
  for (; count > 0; --count) {
    std::string key = text_of(value(from));
    // Appends instead of `entries[key]`, which looks at all entries before. A repeated key is shown
    // twice.
    entries.emplace_back(std::move(key), value(from));
  }
  return entries;
}

// The bytes have passed `check`, so depth is limited and every read of the peeked type succeeds.
shown value(reader& from) {
  std::string_view text;
  bool flag = false;
  switch (from.peek()) {
  case value_type::boolean:
    (void)from.read(flag);
    return flag;
  case value_type::integer:
  case value_type::real:
    return number(from);
  case value_type::text:
    (void)from.read_text(text);
    return std::string{text};
  case value_type::binary:
    (void)from.read_binary(text);
    return binary_text(text);
  case value_type::array:
    return list(from);
  case value_type::map:
    return map(from);
  default:
    (void)from.skip();
    return nullptr;
  }
}

bool write(writer& to, const parsed& value, int depth = 0);

bool write_list(writer& to, const parsed& value, int depth) {
  to.array(static_cast<std::uint32_t>(value.size()));
  for (const parsed& item : value) {
    if (!write(to, item, depth)) {
      return false;
    }
  }
  return true;
}

bool write_map(writer& to, const parsed& value, int depth) {
  to.map(static_cast<std::uint32_t>(value.size()));
  for (const auto& [key, item] : value.items()) {
    to.text(key);
    if (!write(to, item, depth)) {
      return false;
    }
  }
  return true;
}

/// Writes `value`; false if it is nested too deeply, which also bounds the recursion here.
bool write(writer& to, const parsed& value, int depth) {
  switch (value.type()) {
  case parsed::value_t::boolean:
    to.boolean(value.get<bool>());
    return true;
  case parsed::value_t::number_integer:
    to.integer(value.get<std::int64_t>());
    return true;
  case parsed::value_t::number_unsigned:
    to.unsigned_integer(value.get<std::uint64_t>());
    return true;
  case parsed::value_t::number_float:
    to.real(value.get<double>());
    return true;
  case parsed::value_t::string:
    to.text(value.get_ref<const std::string&>());
    return true;
  case parsed::value_t::array:
    return depth < depth_max && write_list(to, value, depth + 1);
  case parsed::value_t::object:
    return depth < depth_max && write_map(to, value, depth + 1);
  default:
    to.nil();
    return true;
  }
}

} // namespace

outcome<std::string> to_json(std::string_view bytes, bool pretty) {
  if (auto checked = check(bytes); !checked) {
    return failure{std::move(checked).error()};
  }
  reader from{bytes};
  return value(from).dump(pretty ? 2 : -1, ' ', false, shown::error_handler_t::replace);
}

outcome<std::string> from_json(std::string_view text) {
  parsed root;
  try {
    root = parsed::parse(text);
  } catch (const parsed::exception& fault) {
    return failure{invalid(fmt::format("not JSON: {}", fault.what()))};
  }
  std::string bytes;
  writer to{bytes};
  if (!write(to, root)) {
    return failure{invalid(fmt::format("JSON nested too deeply ({} levels at most)", depth_max))};
  }
  return bytes;
}

} // namespace troupe::wire

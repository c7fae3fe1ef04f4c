#include "runtime/wire/json.hpp"

#include "runtime/ids.hpp"
#include "runtime/wire/reader.hpp"
#include "runtime/wire/writer.hpp"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

namespace troupe::wire {

namespace {

using json = nlohmann::ordered_json;

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

json number(reader& from) {
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

// The bytes have passed `check`, so depth is limited and every read of the peeked type succeeds.
json value(reader& from) {
  std::string_view text;
  std::uint32_t count = 0;
  switch (from.peek()) {
  case value_type::boolean: {
    bool flag = false;
    (void)from.read(flag);
    return flag;
  }
  case value_type::integer:
  case value_type::real:
    return number(from);
  case value_type::text:
    (void)from.read_text(text);
    return std::string{text};
  case value_type::binary:
    (void)from.read_binary(text);
    return binary_text(text);
  case value_type::array: {
    json list = json::array();
    (void)from.read_array(count);
    for (; count > 0; --count) {
      list.push_back(value(from));
    }
    return list;
  }
  case value_type::map: {
    json map = json::object();
    (void)from.read_map(count);
    for (; count > 0; --count) {
      const json key = value(from);
      map[key.is_string() ? key.get<std::string>() : key.dump()] = value(from);
    }
    return map;
  }
  default:
    (void)from.skip();
    return nullptr;
  }
}

void write(writer& to, const json& value) {
  switch (value.type()) {
  case json::value_t::boolean:
    return to.boolean(value.get<bool>());
  case json::value_t::number_integer:
    return to.integer(value.get<std::int64_t>());
  case json::value_t::number_unsigned:
    return to.unsigned_integer(value.get<std::uint64_t>());
  case json::value_t::number_float:
    return to.real(value.get<double>());
  case json::value_t::string:
    return to.text(value.get_ref<const std::string&>());
  case json::value_t::array:
    to.array(static_cast<std::uint32_t>(value.size()));
    for (const json& item : value) {
      write(to, item);
    }
    return;
  case json::value_t::object:
    to.map(static_cast<std::uint32_t>(value.size()));
    for (const auto& [key, item] : value.items()) {
      to.text(key);
      write(to, item);
    }
    return;
  default:
    return to.nil();
  }
}

} // namespace

outcome<std::string> to_json(std::string_view bytes, bool pretty) {
  if (auto checked = check(bytes); !checked) {
    return failure{std::move(checked).error()};
  }
  reader from{bytes};
  // Text that is not UTF-8 is shown with replacement characters rather than refused.
  return value(from).dump(pretty ? 2 : -1, ' ', false, json::error_handler_t::replace);
}

outcome<std::string> from_json(std::string_view text) {
  json parsed;
  try {
    parsed = json::parse(text);
  } catch (const json::exception& fault) {
    return failure{invalid(fmt::format("not JSON: {}", fault.what()))};
  }
  std::string bytes;
  writer to{bytes};
  write(to, parsed);
  return bytes;
}

} // namespace troupe::wire

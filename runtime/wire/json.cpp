#include "runtime/wire/json.hpp"

#include "runtime/wire/check.hpp"
#include "runtime/wire/reader.hpp"
#include "runtime/wire/writer.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace troupe::wire {

namespace {

// Keys are sorted, which takes log(n) a key and gives the same bytes, and digest, however the
// sender ordered them.
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

/// Shows MessagePack as JSON in the order of the message. The bytes have passed `check`, so depth
/// is limited and every read of the peeked type succeeds.
class json_printer {
public:
  json_printer(reader& from, bool pretty) : from_{from}, pretty_{pretty} {}

  std::string value() {
    std::string_view text;
    bool flag = false;
    switch (from_.peek()) {
    case value_type::boolean:
      (void)from_.read(flag);
      return flag ? "true" : "false";
    case value_type::integer:
    case value_type::real:
      return number();
    case value_type::text:
      (void)from_.read_text(text);
      return json_text(text);
    case value_type::binary:
      (void)from_.read_binary(text);
      return json_text(binary_text(text));
    case value_type::array:
      return list();
    case value_type::map:
      return map();
    default:
      (void)from_.skip();
      return "null";
    }
  }

private:
  std::string number() {
    std::int64_t whole = 0;
    std::uint64_t large = 0;
    double real = 0;
    if (from_.read(whole)) {
      return std::to_string(whole);
    }
    if (from_.read(large)) {
      return std::to_string(large);
    }
    (void)from_.read(real);
    return json_number(real);
  }

  std::string list() {
    std::uint32_t count = 0;
    (void)from_.read_array(count);
    return items('[', ']', count, [this] { return value(); });
  }

  std::string map() {
    std::uint32_t count = 0;
    (void)from_.read_map(count);
    return items('{', '}', count, [this] {
      std::string entry = key();
      entry += pretty_ ? ": " : ":";
      return entry += value();
    });
  }

  /// A key that is no text is shown as the text of its JSON.
  std::string key() {
    const value_type type = from_.peek();
    const bool is_text = type == value_type::text || type == value_type::binary;
    std::string json = json_printer{from_, false}.value();
    return is_text ? json : json_text(json);
  }

  template <class Item>
  std::string items(char begin, char end, std::uint32_t count, const Item& item) {
    std::string json{begin};
    ++depth_;
    for (std::uint32_t i = 0; i < count; ++i) {
      json += i == 0 ? "" : ",";
      json += line_break();
      json += item();
    }
    --depth_;
    return json + (count == 0 ? "" : line_break()) + end;
  }

  std::string line_break() const {
    return pretty_ ? std::string(1, '\n').append(depth_ * 2, ' ') : std::string{};
  }

  reader& from_;
  bool pretty_;
  std::size_t depth_ = 0;
};

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

/// The place in `text` at which it is no JSON.
error not_json(std::string_view text, std::size_t byte) {
  if (byte > text.size()) {
    return invalid("not JSON: it ends before it is complete");
  }
  const std::string_view before = text.substr(0, byte - 1);
  const std::size_t line_begin = before.rfind('\n') + 1; // 0 on the first line.
  return invalid(fmt::format(
      "not JSON: line {}, column {} cannot be read",
      std::count(before.begin(), before.end(), '\n') + 1,
      before.size() - line_begin + 1));
}

} // namespace

outcome<std::string> to_json(std::string_view bytes, bool pretty) {
  if (auto checked = check(bytes); !checked) {
    return failure{std::move(checked).error()};
  }
  reader from{bytes};
  return json_printer{from, pretty}.value();
}

outcome<std::string> from_json(std::string_view text) {
  parsed root;
  try {
    root = parsed::parse(text);
  } catch (const parsed::parse_error& fault) {
    return failure{not_json(text, fault.byte)};
  } catch (const parsed::exception&) {
    return failure{invalid("not JSON: a number is too large")};
  }
  std::string bytes;
  writer to{bytes};
  if (!write(to, root)) {
    return failure{invalid(fmt::format("JSON nested too deeply ({} levels at most)", depth_max))};
  }
  return bytes;
}

std::string json_text(std::string_view text) {
  const auto stands_for_itself = [](char c) {
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
  };
  if (std::all_of(text.begin(), text.end(), stands_for_itself)) {
    return fmt::format("\"{}\"", text);
  }
  return parsed(text).dump(-1, ' ', false, parsed::error_handler_t::replace);
}

std::string json_number(double value) {
  return parsed(value).dump();
}

json_object& json_object::add(std::string_view name, const std::vector<std::string>& texts) {
  std::vector<std::string> list;
  for (const std::string& each : texts) {
    list.push_back(json_text(each));
  }
  return add_json(name, fmt::format("[{}]", fmt::join(list, ",")));
}

json_object& json_object::add(std::string_view name, const std::vector<json_object>& objects) {
  std::vector<std::string> list;
  for (const json_object& each : objects) {
    list.push_back(each.text());
  }
  return add_json(name, fmt::format("[{}]", fmt::join(list, ",")));
}

json_object& json_object::add_json(std::string_view name, std::string_view json) {
  entries_ += entries_.empty() ? "" : ",";
  entries_ += json_text(name);
  entries_ += ':';
  entries_ += json;
  return *this;
}

} // namespace troupe::wire

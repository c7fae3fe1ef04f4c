#include "runtime/wire/json.hpp"

#include "runtime/bytes.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/check.hpp"
#include "runtime/wire/json_text.hpp"
#include "runtime/wire/reader.hpp"
#include "runtime/wire/writer.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace troupe::wire {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

using parsed = nlohmann::json;

constexpr int timestamp_type = -1;
// The end of the year 9999, the last year that RFC 3339 can write.
constexpr std::uint64_t seconds_max = 253'402'300'799;

std::string hex_text(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) {
    hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return hex;
}

std::string binary_text(std::string_view bytes) {
  if (const auto id = uuid_from(std::as_bytes(std::span{bytes}))) {
    return to_string(*id);
  }
  return hex_text(bytes);
}

/// A timestamp in the form of RFC 3339, with nanoseconds if it has any; nothing if RFC 3339 cannot
/// express it.
/// @source the MessagePack specification, "Timestamp extension type".
std::optional<std::string> timestamp_text(std::string_view bytes) {
  std::uint64_t seconds = 0;
  std::uint64_t nanoseconds = 0;
  if (bytes.size() == 4) {
    seconds = load_big_endian<std::uint32_t>(bytes.data());
  } else if (bytes.size() == 8) {
    const auto both = load_big_endian<std::uint64_t>(bytes.data());
    nanoseconds = both >> 34U;
    seconds = both & 0x3ffffffffU;
  } else if (bytes.size() == 12) {
    nanoseconds = load_big_endian<std::uint32_t>(bytes.data());
    seconds = load_big_endian<std::uint64_t>(bytes.data() + 4);
  } else {
    return std::nullopt;
  }
  const auto time = time_since_1970(std::chrono::seconds{std::min(seconds, seconds_max)});
  if (seconds > seconds_max || unix_millis(time) != static_cast<std::int64_t>(seconds) * 1000
      || nanoseconds > 999'999'999) {
    return std::nullopt;
  }
  std::string text = utc_time_text(time).substr(0, std::string_view{"2026-11-24T01:54:45"}.size());
  if (nanoseconds != 0) {
    text += fmt::format(".{:09}", nanoseconds);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + 'Z';
}

/// Prints MessagePack as JSON, in the order of the message. The bytes have passed `check`, so the
/// depth is limited and reading the type that was peeked always succeeds.
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
    case value_type::extension:
      return extension();
    default:
      (void)from_.skip();
      return "null";
    }
  }

private:
  std::string extension() {
    std::string_view bytes;
    (void)from_.read_extension(bytes);
    const auto type = static_cast<signed char>(bytes.front());
    bytes.remove_prefix(1);
    if (type == timestamp_type) {
      if (const auto text = timestamp_text(bytes)) {
        return json_text(*text);
      }
    }
    return fmt::format(R"("extension {}: {}")", type, hex_text(bytes));
  }

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

  /// A key that is not text is printed as the text of its JSON.
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

/// Builds MessagePack from parser events. Keys are sorted, at log(n) per key, so that bytes and
/// digest do not depend on the order in which the sender wrote the keys.
class packer final : public nlohmann::json_sax<parsed> {
public:
  bool null() override {
    return add([](writer& to) { to.nil(); });
  }

  bool boolean(bool value) override {
    return add([value](writer& to) { to.boolean(value); });
  }

  bool number_integer(std::int64_t value) override {
    return add([value](writer& to) { to.integer(value); });
  }

  bool number_unsigned(std::uint64_t value) override {
    return add([value](writer& to) { to.unsigned_integer(value); });
  }

  /// @param text the number as written. An integer arrives here if it does not fit in 64 bits.
  bool number_float(double value, const std::string& text) override {
    if (text.find_first_of(".eE") == std::string::npos) {
      return refuse(fmt::format("{} does not fit in 64 bits; write it as text", text));
    }
    return add([value](writer& to) { to.real(value); });
  }

  bool string(std::string& text) override {
    return add([&text](writer& to) { to.text(text); });
  }

  // JSON has no binary values.
  bool binary(nlohmann::json::binary_t& /*bytes*/) override { return false; }

  bool key(std::string& text) override {
    open_.back().entries.push_back({std::move(text), {}});
    return true;
  }

  bool start_object(std::size_t /*size*/) override { return begin(true); }

  bool start_array(std::size_t /*size*/) override { return begin(false); }

  bool end_object() override {
    auto entries = std::move(open_.back().entries);
    open_.pop_back();
    std::ranges::sort(entries, {}, &entry::key);
    const auto twice = std::ranges::adjacent_find(entries, {}, &entry::key);
    if (twice != entries.end()) {
      return refuse(fmt::format("the key {} stands twice in one object", json_text(twice->key)));
    }
    return add([&entries](writer& to) {
      to.map(static_cast<std::uint32_t>(entries.size()));
      for (const entry& each : entries) {
        to.text(each.key);
        to.raw(each.value);
      }
    });
  }

  bool end_array() override {
    const container ended = std::move(open_.back());
    open_.pop_back();
    return add([&ended](writer& to) {
      to.array(ended.items);
      to.raw(ended.bytes);
    });
  }

  bool parse_error(
      std::size_t byte, const std::string& /*token*/, const parsed::exception& fault) override {
    const auto* const where = dynamic_cast<const parsed::parse_error*>(&fault);
    where_ = where == nullptr ? std::nullopt : std::optional{byte};
    return false;
  }

  const std::string& bytes() const { return bytes_; }

  /// Why the value cannot be packed; empty if the text is not JSON.
  const std::string& refusal() const { return refusal_; }

  /// The byte, counted from 1, at which the text stops being JSON; nothing if a number was too
  /// large.
  std::optional<std::size_t> where() const { return where_; }

private:
  struct entry {
    std::string key;
    std::string value;
  };

  struct container {
    bool is_map = false;
    std::vector<entry> entries;
    std::uint32_t items = 0;
    std::string bytes;
  };

  bool begin(bool is_map) {
    if (open_.size() == depth_max) {
      return refuse(fmt::format("nested too deeply ({} levels at most)", depth_max));
    }
    open_.push_back({is_map, {}, 0, {}});
    return true;
  }

  template <class Write>
  bool add(const Write& write) {
    std::string* to = &bytes_;
    if (!open_.empty()) {
      container& within = open_.back();
      to = within.is_map ? &within.entries.back().value : &within.bytes;
      ++within.items;
    }
    writer out{*to};
    write(out);
    return true;
  }

  bool refuse(std::string why) {
    refusal_ = std::move(why);
    return false;
  }

  std::vector<container> open_;
  std::string bytes_;
  std::string refusal_;
  std::optional<std::size_t> where_;
};

/// The error for text that stops being JSON at `byte`, with line and column.
error not_json(std::string_view text, std::size_t byte) {
  if (byte > text.size()) {
    return invalid("not JSON: it ends before it is complete");
  }
  const std::string_view before = text.substr(0, byte - 1);
  const std::size_t line_begin = before.rfind('\n') + 1; // 0 on the first line.
  return invalid(fmt::format(
      "not JSON: line {}, column {} cannot be read",
      std::ranges::count(before, '\n') + 1,
      before.size() - line_begin + 1));
}

} // namespace

outcome<std::string> to_json(std::string_view bytes, bool pretty) {
  TROUPE_CHECK(check(bytes));
  reader from{bytes};
  return json_printer{from, pretty}.value();
}

std::string passed_over_in_json(std::string_view text) {
  if (text.substr(0, byte_order_mark.size()) == byte_order_mark) {
    return "it begins with a byte order mark (RFC 8259, 8.1): leave it out";
  }
  const std::size_t zero = text.find('\0');
  return zero == std::string_view::npos ? "" : fmt::format("byte {} is a zero", zero + 1);
}

outcome<std::string> from_json(std::string_view text) {
  if (const std::string passed = passed_over_in_json(text); !passed.empty()) {
    return failure{invalid("not JSON: " + passed)};
  }
  packer pack;
  if (parsed::sax_parse(text, &pack)) {
    return pack.bytes();
  }
  if (!pack.refusal().empty()) {
    return failure{invalid("JSON that cannot be sent: " + pack.refusal())};
  }
  return failure{
      pack.where() ? not_json(text, *pack.where()) : invalid("not JSON: a number is too large")};
}

std::string json_of(std::string_view bytes) {
  if (bytes.empty()) {
    return "null";
  }
  auto json = to_json(bytes);
  return json ? *std::move(json) : fmt::format(R"({{"$not_messagepack":"{}"}})", hex_text(bytes));
}

std::string json_text(std::string_view text) {
  std::string quoted;
  quoted.reserve(text.size() + 2);
  append_json_text(quoted, text);
  return quoted;
}

std::string json_number(double value) {
  if (std::isnan(value)) {
    return R"("NaN")";
  }
  if (std::isinf(value)) {
    return value < 0 ? R"("-Infinity")" : R"("Infinity")";
  }
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

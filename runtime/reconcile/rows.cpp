#include "runtime/reconcile/rows.hpp"

#include "runtime/bytes.hpp"
#include "runtime/contains.hpp"
#include "runtime/ids.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/check.hpp"
#include "runtime/wire/reader.hpp"
#include "runtime/wire/writer.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <span>

namespace troupe::reconcile {

namespace {

// The first byte of a key gives its kind; the rest sorts like the key.
constexpr char id_key = 'i';
constexpr char number_key = 'n';
constexpr char text_key = 't';
constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63U;

failure wrong(const source& from, std::string_view what) {
  return failure{
      invalid(fmt::format("what `{}.{}` answered {}", from.capability, from.query, what))};
}

bool read_key(wire::reader& from, row& to) {
  std::string_view bytes;
  std::int64_t number = 0;
  switch (from.peek()) {
  case wire::value_type::binary:
    if (!from.read_binary(bytes)) {
      return false;
    }
    to.key = id_key;
    to.key += bytes;
    if (const auto id = uuid_from(std::as_bytes(std::span{bytes})); id && id->version() >= 7) {
      to.changed = std::max(to.changed, unix_millis(id->born()));
    }
    return true;
  case wire::value_type::text:
    // Keys are displayed, and sent as text.
    if (!from.read_text(bytes) || !wire::is_utf8(bytes) || wire::has_nul(bytes)) {
      return false;
    }
    to.key = key_of(bytes);
    return true;
  default:
    if (!from.read(number)) {
      return false;
    }
    to.key = key_of(number);
    return true;
  }
}

bool read_value(wire::reader& from, field_value& to) {
  std::string_view bytes;
  bool truth = false;
  switch (from.peek()) {
  case wire::value_type::text:
    if (!from.read_text(bytes)) {
      return false;
    }
    to.text = bytes;
    return true;
  case wire::value_type::binary:
    if (!from.read_binary(bytes)) {
      return false;
    }
    to.text = bytes;
    return true;
  case wire::value_type::boolean:
    if (!from.read(truth)) {
      return false;
    }
    to.number = truth ? 1 : 0;
    return true;
  case wire::value_type::nil:
    return from.read_nil(); // An optional field may be absent.
  default:
    return from.read(to.number);
  }
}

/// Reads one row.
/// @return false if it is not a row; `bad` is the field whose value cannot be compared.
bool read_row(
    wire::reader& from,
    const source& of,
    const std::vector<std::string>& fields,
    row& to,
    std::string_view& bad) {
  std::uint32_t entries = 0;
  if (!from.read_map(entries)) {
    return false;
  }
  to.fields.resize(fields.size());
  for (std::uint32_t i = 0; i < entries; ++i) {
    std::string_view name;
    if (!from.read_text(name)) {
      return false;
    }
    wire::reader again = from;
    if (!from.skip()) {
      return false;
    }
    bad = name;
    wire::reader value = again;
    if (name == of.key && !read_key(value, to)) {
      return false;
    }
    for (std::size_t at = 0; at < fields.size(); ++at) {
      value = again;
      if (name == fields[at] && !read_value(value, to.fields[at])) {
        return false;
      }
    }
    field_value seen;
    value = again;
    if (!of.changed.empty() && name == of.changed) {
      if (!read_value(value, seen)) {
        return false;
      }
      to.changed = std::max(to.changed, seen.number);
    }
    value = again;
    if (!of.where.empty() && name == of.where) {
      if (!read_value(value, seen)) {
        return false;
      }
      to.counts = contains(of.is, seen.text);
    }
  }
  bad = of.key;
  return !to.key.empty();
}

} // namespace

outcome<std::vector<row>>
read_rows(const source& from, const std::vector<std::string>& fields, std::string_view reply) {
  if (!wire::check(reply)) {
    return wrong(from, "is no MessagePack");
  }
  wire::reader whole{reply};
  std::uint32_t entries = 0;
  if (!whole.read_map(entries)) {
    return wrong(from, "is no map");
  }
  for (std::uint32_t i = 0; i < entries; ++i) {
    std::string_view name;
    if (!whole.read_text(name)) {
      return wrong(from, "has a key that is no text");
    }
    if (name != from.rows) {
      whole.skip();
      continue;
    }
    std::uint32_t count = 0;
    if (!whole.read_array(count)) {
      return wrong(from, fmt::format("has no list `{}`", from.rows));
    }
    std::vector<row> rows(count);
    std::string_view bad = from.key;
    for (row& each : rows) {
      if (!read_row(whole, from, fields, each, bad)) {
        return wrong(
            from,
            fmt::format(
                "has a row whose `{}` is no id, text{} or integer",
                bad,
                bad == from.key ? " (UTF-8, without a NUL)" : ""));
      }
    }
    return rows;
  }
  return wrong(from, fmt::format("has no list `{}`", from.rows));
}

std::string page_request(std::string_view after, std::uint32_t count) {
  std::string body;
  wire::writer to{body};
  to.map(after.empty() ? 1 : 2);
  to.text("count");
  to.unsigned_integer(count);
  if (after.empty()) {
    return body;
  }
  to.text("after");
  const char kind = after.front();
  after.remove_prefix(1);
  if (kind == number_key) {
    to.integer(static_cast<std::int64_t>(load_big_endian<std::uint64_t>(after.data()) ^ sign_bit));
  } else if (kind == id_key) {
    to.binary(after);
  } else {
    to.text(after);
  }
  return body;
}

std::string key_of(const uuid& id) {
  std::string key{id_key};
  return key.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
}

std::string key_of(std::int64_t number) {
  std::string key{number_key};
  append_big_endian(key, static_cast<std::uint64_t>(number) ^ sign_bit);
  return key;
}

std::string key_of(std::string_view text) {
  return text_key + std::string{text};
}

std::string key_text(std::string_view key) {
  if (key.empty()) {
    return "";
  }
  const std::string_view rest = key.substr(1);
  if (key.front() == number_key) {
    return fmt::to_string(
        static_cast<std::int64_t>(load_big_endian<std::uint64_t>(rest.data()) ^ sign_bit));
  }
  if (key.front() == id_key) {
    const auto id = uuid_from(std::as_bytes(std::span{rest}));
    return id ? to_string(*id) : fmt::format("{} bytes", rest.size());
  }
  return std::string{rest};
}

} // namespace troupe::reconcile

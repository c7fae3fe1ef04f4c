#include "runtime/gateway/json_codec.hpp"

#include "runtime/base64.hpp"
#include "runtime/contains.hpp"
#include "runtime/gateway/strict_json.hpp"
#include "runtime/wire/check.hpp"
#include "runtime/wire/json.hpp"
#include "runtime/wire/json_text.hpp"
#include "runtime/wire/reader.hpp"
#include "runtime/wire/writer.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace troupe::gateway {

namespace {

using json = nlohmann::json;
using wire::form;

// Integers up to this size are exact as doubles.
constexpr std::int64_t exact_max = std::int64_t{1} << 53;

error no_type(std::string_view name) {
  return internal_error(fmt::format("the description has no type `{}`", name));
}

/// Position of a value: the body itself, or an item or field of the value at `in`. It is turned
/// into a JSON pointer only when a fault is reported; building a pointer for every value would cost
/// too much where keys are long.
struct place {
  const place* in = nullptr;
  std::string_view key{};
  std::optional<std::size_t> item{};
};

std::string pointer_of(const place& at) {
  if (at.in == nullptr) {
    return "";
  }
  const std::string before = pointer_of(*at.in);
  return at.item ? pointer_to(before, std::to_string(*at.item)) : pointer_to(before, at.key);
}

/// Packs JSON values as MessagePack, up to the first fault.
class packer {
public:
  packer(const types& all, std::string& to) : all_{all}, to_{to} {}

  bool message(const json& value, std::string_view name, const place& at) {
    const wire::message_schema* const type = wire::find_schema(all_, name);
    if (type == nullptr) {
      fault_ = no_type(name);
      return false;
    }
    if (!value.is_object()) {
      return wrong(at, "an object is wanted");
    }
    for (const auto& [key, item] : value.items()) {
      if (!has_field(*type, key)) {
        return wrong(place{&at, key}, fmt::format("`{}` has no such field", name));
      }
    }
    to_.map(static_cast<std::uint32_t>(type->fields.size()));
    for (const wire::field_schema& each : type->fields) {
      to_.text(each.name);
      if (!field(value, each, place{&at, each.name})) {
        return false;
      }
    }
    return true;
  }

  const error& fault() const { return fault_; }

private:
  static bool has_field(const wire::message_schema& type, std::string_view name) {
    return std::ranges::any_of(type.fields, [&](const auto& each) { return each.name == name; });
  }

  bool field(const json& in, const wire::field_schema& which, const place& at) {
    const auto found = in.find(which.name);
    if (found != in.end() && !(found->is_null() && which.optional)) {
      return value(*found, which.type, 0, at);
    }
    if (!which.optional && !(which.type.is == form::any && which.type.within.empty())) {
      return wrong(at, "the field is missing");
    }
    to_.nil();
    return true;
  }

  /// Packs a value nested in the lists and maps of `type` from level `depth` on.
  bool value(const json& what, const wire::value_schema& type, std::size_t depth, const place& at) {
    if (depth == type.within.size()) {
      return innermost(what, type, at);
    }
    if (type.within[depth] == form::list) {
      if (!what.is_array()) {
        return wrong(at, "an array is wanted");
      }
      to_.array(static_cast<std::uint32_t>(what.size()));
      for (std::size_t i = 0; i < what.size(); ++i) {
        if (!value(what[i], type, depth + 1, place{&at, {}, i})) {
          return false;
        }
      }
      return true;
    }
    if (!what.is_object()) {
      return wrong(at, "an object is wanted");
    }
    to_.map(static_cast<std::uint32_t>(what.size()));
    for (const auto& [key, item] : what.items()) {
      to_.text(key);
      if (!value(item, type, depth + 1, place{&at, key})) {
        return false;
      }
    }
    return true;
  }

  bool innermost(const json& what, const wire::value_schema& type, const place& at) {
    switch (type.is) {
    case form::message:
      return message(what, type.message.value_or(""), at);
    case form::any:
      return any(what, at);
    case form::boolean:
      if (!what.is_boolean()) {
        return wrong(at, "true or false is wanted");
      }
      to_.boolean(what.get<bool>());
      return true;
    case form::number:
      return number(what, at);
    case form::text:
    case form::words:
    case form::id:
    case form::bytes:
      return what.is_string() ? text(what.get_ref<const std::string&>(), type, at)
                              : wrong(at, "text is wanted");
    default:
      return integer(what, *wire::range_of(type.is), at);
    }
  }

  bool integer(const json& what, const wire::integer_range& range, const place& at) {
    if (!what.is_number_integer()) {
      return wrong(
          at,
          what.is_number() ? "a whole number is wanted, without . or e" : "an integer is wanted");
    }
    const bool good = what.is_number_unsigned() ? what.get<std::uint64_t>() <= range.most
                                                : what.get<std::int64_t>() >= range.least;
    if (!good) {
      return wrong(at, fmt::format("{} to {} are wanted", range.least, range.most));
    }
    if (what.is_number_unsigned()) {
      to_.unsigned_integer(what.get<std::uint64_t>());
    } else {
      to_.integer(what.get<std::int64_t>());
    }
    return true;
  }

  bool number(const json& what, const place& at) {
    if (!what.is_number()) {
      return wrong(at, "a number is wanted");
    }
    if (what.is_number_unsigned()
            ? what.get<std::uint64_t>() > std::uint64_t{exact_max}
            : what.is_number_integer() && what.get<std::int64_t>() < -exact_max) {
      return wrong(at, "the integer is beyond 2^53, and the field keeps doubles");
    }
    to_.real(what.get<double>());
    return true;
  }

  bool text(const std::string& what, const wire::value_schema& type, const place& at) {
    if (type.is == form::id) {
      const auto id = parse_uuid(what);
      if (!id) {
        return wrong(at, "a UUID of 36 characters is wanted");
      }
      to_.binary({reinterpret_cast<const char*>(id->bytes.data()), id->bytes.size()});
      return true;
    }
    if (type.is == form::bytes) {
      const auto bytes = from_base64(what);
      if (!bytes) {
        return wrong(at, "base64 with padding is wanted");
      }
      to_.binary(*bytes);
      return true;
    }
    if (type.is == form::words && !contains(type.words, what)) {
      return wrong(at, fmt::format("one of {} is wanted", fmt::join(type.words, ", ")));
    }
    to_.text(what);
    return true;
  }

  bool any(const json& what, const place& at) {
    const auto bytes = wire::from_json(what.dump());
    if (!bytes) {
      return wrong(at, bytes.error().message);
    }
    to_.raw(*bytes);
    return true;
  }

  bool wrong(const place& at, std::string_view what) {
    fault_ = wrong_json(pointer_of(at), what);
    return false;
  }

  const types& all_;
  wire::writer to_;
  error fault_;
};

/// Prints MessagePack as JSON; false if a value does not have its type.
class printer {
public:
  printer(const types& all, wire::reader& from) : all_{all}, from_{from} {}

  bool message(std::string_view name, std::string& to) {
    const wire::message_schema* const type = wire::find_schema(all_, name);
    std::uint32_t entries = 0;
    if (type == nullptr || !from_.read_map(entries)) {
      return false;
    }
    to += '{';
    bool is_first = true;
    for (; entries > 0; --entries) {
      std::string_view key;
      if (!from_.read_text(key)) {
        return false;
      }
      const auto field =
          std::ranges::find_if(type->fields, [&](const auto& each) { return each.name == key; });
      if (field == type->fields.end()) {
        if (!from_.skip()) {
          return false;
        }
        continue;
      }
      if (field->optional && from_.read_nil()) {
        continue;
      }
      to += is_first ? "" : ",";
      is_first = false;
      wire::append_json_text(to, key);
      to += ':';
      if (!value(field->type, 0, to)) {
        return false;
      }
    }
    to += '}';
    return true;
  }

private:
  bool value(const wire::value_schema& type, std::size_t depth, std::string& to) {
    if (depth == type.within.size()) {
      return innermost(type, to);
    }
    const bool is_list = type.within[depth] == form::list;
    std::uint32_t count = 0;
    if (!(is_list ? from_.read_array(count) : from_.read_map(count))) {
      return false;
    }
    to += is_list ? '[' : '{';
    for (std::uint32_t i = 0; i < count; ++i) {
      to += i == 0 ? "" : ",";
      if (!is_list) {
        std::string_view key;
        if (!from_.read_text(key)) {
          return false;
        }
        wire::append_json_text(to, key);
        to += ':';
      }
      if (!value(type, depth + 1, to)) {
        return false;
      }
    }
    to += is_list ? ']' : '}';
    return true;
  }

  bool innermost(const wire::value_schema& type, std::string& to) {
    bool flag = false;
    double real = 0;
    std::string_view text;
    switch (type.is) {
    case form::message:
      return message(type.message.value_or(""), to);
    case form::any:
      return any(to);
    case form::boolean:
      if (!from_.read(flag)) {
        return false;
      }
      to += flag ? "true" : "false";
      return true;
    case form::number:
      if (!from_.read(real) || !std::isfinite(real)) {
        return false;
      }
      to += wire::json_number(real);
      return true;
    case form::text:
    case form::words:
      if (!from_.read_text(text)) {
        return false;
      }
      wire::append_json_text(to, text);
      return true;
    case form::id:
    case form::bytes:
      return binary(type.is, to);
    default:
      return integer(to);
    }
  }

  bool integer(std::string& to) {
    std::int64_t whole = 0;
    std::uint64_t large = 0;
    if (from_.peek() != wire::value_type::integer) {
      return false;
    }
    if (from_.read(whole)) {
      to += std::to_string(whole);
      return true;
    }
    const bool good = from_.read(large);
    to += std::to_string(large);
    return good;
  }

  bool binary(form as, std::string& to) {
    std::string_view bytes;
    if (as == form::id && from_.peek() == wire::value_type::text) {
      const bool good = from_.read_text(bytes) && parse_uuid(bytes);
      wire::append_json_text(to, bytes);
      return good;
    }
    if (!from_.read_binary(bytes)) {
      return false;
    }
    if (as == form::bytes) {
      wire::append_json_text(to, to_base64(bytes));
      return true;
    }
    const auto id = uuid_from(std::as_bytes(std::span{bytes}));
    if (id) {
      wire::append_json_text(to, troupe::to_string(*id));
    }
    return id.has_value();
  }

  bool any(std::string& to) {
    std::string_view raw;
    if (!from_.read_raw(raw)) {
      return false;
    }
    const auto printed = wire::to_json(raw);
    to += printed.value_or("");
    return printed.has_value();
  }

  const types& all_;
  wire::reader& from_;
};

} // namespace

outcome<std::string> from_json(std::string_view text, const types& all, std::string_view name) {
  return strict_json(text).and_then(
      [&](const json& value) { return from_value(value, all, name); });
}

outcome<std::string> from_value(const json& value, const types& all, std::string_view name) {
  std::string bytes;
  packer to{all, bytes};
  if (!to.message(value, name, {})) {
    return failure{to.fault()};
  }
  return bytes;
}

outcome<std::string> to_json(std::string_view bytes, const types& all, std::string_view name) {
  if (auto checked = wire::check(bytes); !checked) {
    return failure{internal_error("the answer is malformed: " + checked.error().message)};
  }
  wire::reader from{bytes};
  std::string text;
  text.reserve(2 * bytes.size());
  if (!printer{all, from}.message(name, text)) {
    return failure{internal_error(fmt::format(
        "the answer is no `{}` as it was described; its node may run another release", name))};
  }
  return text;
}

std::optional<std::string> json_of_text(std::string_view text, const wire::value_schema& type) {
  if (!type.within.empty() || type.is == form::message || type.is == form::any) {
    return std::nullopt;
  }
  if (type.is == form::text || type.is == form::id || type.is == form::bytes
      || type.is == form::words) {
    return wire::json_text(text);
  }
  const bool is_scalar =
      !text.empty() && text.find_first_not_of("+-.0123456789eEtrufals") == std::string_view::npos;
  return is_scalar && strict_json(text) ? std::optional{std::string{text}} : std::nullopt;
}

} // namespace troupe::gateway

#pragma once

#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/wire/check.hpp"
#include "runtime/wire/reader.hpp"
#include "runtime/wire/writer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe::wire {

template <class Struct, class Member>
struct field {
  std::string_view name;
  Member Struct::*member;
};

template <class Struct, class Member>
field(std::string_view, Member Struct::*) -> field<Struct, Member>;

/// Bytes that are not text, such as a body within another: MessagePack's binary.
struct binary_value {
  std::string bytes;

  bool operator==(const binary_value&) const = default;
};

/// A type with a TROUPE_MESSAGE line.
template <class T>
concept message = requires {
  troupe_fields(static_cast<const T*>(nullptr));
};

/// An enumeration with a TROUPE_WORDS line, sent as its words.
template <class T>
concept worded = std::is_enum_v<T> && requires(T value) {
  troupe_words(value);
};

/// The word of `value`; empty if it has none.
template <worded T>
constexpr std::string_view word_of(T value) {
  for (const auto& [word, each] : troupe_words(value)) {
    if (each == value) {
      return word;
    }
  }
  return {};
}

/// A value of any type, passed on undecoded: the bytes of one MessagePack value; empty for nil.
struct raw_value {
  std::string bytes;

  bool operator==(const raw_value&) const = default;
};

/// The place and nature of a fault in a body: "items[2].sku: expected text, got an integer".
struct decode_fault {
  std::string path;
  std::string what;

  error to_error(std::string_view type) const;
};

namespace detail {

bool fail(decode_fault& fault, std::string what);
bool fail_type(decode_fault& fault, std::string_view expected, value_type got);
void prepend(decode_fault& fault, std::string_view name);
void prepend(decode_fault& fault, std::size_t index);
bool decode_text(reader& from, std::string& to, decode_fault& fault);
bool decode_uuid(reader& from, uuid& to, decode_fault& fault);
bool decode_raw(reader& from, raw_value& to, decode_fault& fault);
outcome<void> check_written(const writer& from, std::string_view type);
error unreadable_answer(const error& why);

inline constexpr std::string_view not_utf8 = "the text is not UTF-8";
// NaN equals nothing, itself included, and JSON has no form of it, so no message may carry it.
inline constexpr std::string_view not_finite = "the number is not finite";
inline constexpr std::string_view duration_out_of_range = "the duration is out of range";

/// Durations up to 292 years either way: a longer one overflows when it is added to a time in
/// nanoseconds.
inline constexpr std::int64_t duration_millis_max =
    std::numeric_limits<std::int64_t>::max() / 1'000'000;

inline void encode(writer& to, bool value) {
  to.boolean(value);
}

template <std::integral T>
void encode(writer& to, T value) {
  if constexpr (std::is_signed_v<T>) {
    to.integer(value);
  } else {
    to.unsigned_integer(value);
  }
}

inline void encode(writer& to, double value) {
  if (!std::isfinite(value)) {
    to.refuse(not_finite);
  }
  to.real(value);
}

inline void encode(writer& to, const std::string& value) {
  if (!is_utf8(value)) {
    to.refuse(not_utf8);
  }
  to.text(value);
}

template <worded T>
void encode(writer& to, T value) {
  const std::string_view word = word_of(value);
  if (word.empty()) {
    to.refuse("the value has no word");
  }
  to.text(word);
}

inline void encode(writer& to, const uuid& value) {
  to.binary({reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()});
}

inline void encode(writer& to, const binary_value& value) {
  to.binary(value.bytes);
}

inline void encode(writer& to, const raw_value& value) {
  if (value.bytes.empty()) {
    to.nil();
  } else {
    to.raw(value.bytes);
  }
}

inline void encode(writer& to, std::chrono::milliseconds value) {
  if (value.count() > duration_millis_max || value.count() < -duration_millis_max) {
    to.refuse(duration_out_of_range);
  }
  to.integer(value.count());
}

// All overloads are declared before any is defined, so that they nest in any order.
template <message T>
void encode(writer& to, const T& value);
template <class T>
void encode(writer& to, const std::optional<T>& value);
template <class T>
void encode(writer& to, const std::vector<T>& values);
template <class T>
void encode(writer& to, const std::map<std::string, T>& values);

template <class T>
void encode(writer& to, const std::optional<T>& value) {
  if (value) {
    encode(to, *value);
  } else {
    to.nil();
  }
}

template <class T>
void encode(writer& to, const std::vector<T>& values) {
  to.array(static_cast<std::uint32_t>(values.size()));
  for (const T& value : values) {
    encode(to, value);
  }
}

template <class T>
void encode(writer& to, const std::map<std::string, T>& values) {
  to.map(static_cast<std::uint32_t>(values.size()));
  for (const auto& [key, value] : values) {
    encode(to, key);
    encode(to, value);
  }
}

template <message T>
void encode(writer& to, const T& value) {
  constexpr auto fields = troupe_fields(static_cast<const T*>(nullptr));
  to.map(static_cast<std::uint32_t>(std::tuple_size_v<decltype(fields)>));
  std::apply(
      [&](const auto&... each) { ((to.field(each.name), encode(to, value.*each.member)), ...); },
      fields);
}

/// The most memory that a list reserves before its elements are read.
inline constexpr std::size_t reserve_bytes_max = std::size_t{64} * 1024;

inline bool decode(reader& from, bool& to, decode_fault& fault) {
  return from.read(to) || fail_type(fault, "a boolean", from.peek());
}

template <std::integral T>
bool decode(reader& from, T& to, decode_fault& fault) {
  std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t> wide = 0;
  const value_type type = from.peek();
  if (type != value_type::integer) {
    return fail_type(fault, "an integer", type);
  }
  if (!from.read(wide) || !std::in_range<T>(wide)) {
    return fail(fault, "the integer is out of range");
  }
  to = static_cast<T>(wide);
  return true;
}

inline bool decode(reader& from, double& to, decode_fault& fault) {
  if (!from.read(to)) {
    return fail_type(fault, "a number", from.peek());
  }
  return std::isfinite(to) || fail(fault, std::string{not_finite});
}

inline bool decode(reader& from, std::string& to, decode_fault& fault) {
  return decode_text(from, to, fault);
}

inline bool decode(reader& from, uuid& to, decode_fault& fault) {
  return decode_uuid(from, to, fault);
}

template <worded T>
bool decode(reader& from, T& to, decode_fault& fault) {
  std::string_view text;
  if (!from.read_text(text)) {
    return fail_type(fault, "text", from.peek());
  }
  std::string known;
  for (const auto& [word, each] : troupe_words(T{})) {
    if (word == text) {
      to = each;
      return true;
    }
    known.append(known.empty() ? "" : ", ").append(word);
  }
  return fail(fault, "the word is none of " + known);
}

inline bool decode(reader& from, binary_value& to, decode_fault& fault) {
  std::string_view bytes;
  if (!from.read_binary(bytes)) {
    return fail_type(fault, "binary", from.peek());
  }
  to.bytes = bytes;
  return true;
}

inline bool decode(reader& from, raw_value& to, decode_fault& fault) {
  return decode_raw(from, to, fault);
}

inline bool decode(reader& from, std::chrono::milliseconds& to, decode_fault& fault) {
  std::int64_t count = 0;
  if (!decode(from, count, fault)) {
    return false;
  }
  if (count > duration_millis_max || count < -duration_millis_max) {
    return fail(fault, std::string{duration_out_of_range});
  }
  to = std::chrono::milliseconds{count};
  return true;
}

template <message T>
bool decode(reader& from, T& to, decode_fault& fault);
template <class T>
bool decode(reader& from, std::optional<T>& to, decode_fault& fault);
template <class T>
bool decode(reader& from, std::vector<T>& to, decode_fault& fault);
template <class T>
bool decode(reader& from, std::map<std::string, T>& to, decode_fault& fault);

template <class T>
bool decode(reader& from, std::optional<T>& to, decode_fault& fault) {
  if (from.read_nil()) {
    to.reset();
    return true;
  }
  return decode(from, to.emplace(), fault);
}

template <class T>
bool decode(reader& from, std::vector<T>& to, decode_fault& fault) {
  std::uint32_t count = 0;
  if (!from.read_array(count)) {
    return fail_type(fault, "an array", from.peek());
  }
  to.clear();
  // Reserve less than `count` claims: for a large T it could ask for much more memory than was
  // sent.
  to.reserve(std::min<std::size_t>(count, reserve_bytes_max / sizeof(T) + 1));
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!decode(from, to.emplace_back(), fault)) {
      prepend(fault, std::size_t{i});
      return false;
    }
  }
  return true;
}

template <class T>
bool decode(reader& from, std::map<std::string, T>& to, decode_fault& fault) {
  std::uint32_t count = 0;
  if (!from.read_map(count)) {
    return fail_type(fault, "a map", from.peek());
  }
  to.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    std::string key;
    if (!decode_text(from, key, fault)) {
      return false;
    }
    const auto [entry, is_new] = to.try_emplace(std::move(key));
    if (!is_new || !decode(from, entry->second, fault)) {
      prepend(fault, entry->first);
      return is_new ? false : fail(fault, "the key comes twice");
    }
  }
  return true;
}

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// Decodes the value if `name` is the name of `each`.
template <class T, class Field>
bool decode_field(
    reader& from,
    T& to,
    const Field& each,
    std::uint64_t bit,
    std::uint64_t& seen,
    decode_fault& fault) {
  if ((seen & bit) != 0) {
    prepend(fault, each.name);
    return fail(fault, "the key comes twice");
  }
  seen |= bit;
  if (decode(from, to.*each.member, fault)) {
    return true;
  }
  prepend(fault, each.name);
  return false;
}

template <message T>
bool decode(reader& from, T& to, decode_fault& fault) {
  constexpr auto fields = troupe_fields(static_cast<const T*>(nullptr));
  constexpr std::size_t field_count = std::tuple_size_v<decltype(fields)>;
  static_assert(field_count <= 64);
  std::uint32_t entries = 0;
  if (!from.read_map(entries)) {
    return fail_type(fault, "a map", from.peek());
  }
  std::uint64_t seen = 0;
  for (std::uint32_t i = 0; i < entries; ++i) {
    std::string_view key;
    if (!from.read_text(key)) {
      return fail(fault, "a key is not text");
    }
    bool known = false;
    bool good = true;
    [[maybe_unused]] const auto try_field = [&](const auto& each, std::size_t index) {
      if (!known && each.name == key) {
        known = true;
        good = decode_field(from, to, each, std::uint64_t{1} << index, seen, fault);
      }
    };
    std::apply(
        [&](const auto&... each) {
          [[maybe_unused]] std::size_t index = 0;
          (try_field(each, index++), ...);
        },
        fields);
    // Unknown keys come from newer senders and are ignored.
    if (!good || (!known && !from.skip())) {
      return false;
    }
  }
  std::string_view missing;
  [[maybe_unused]] std::uint64_t bit = 1;
  [[maybe_unused]] const auto require = [&](std::string_view name, bool optional) {
    if (missing.empty() && !optional && (seen & bit) == 0) {
      missing = name;
    }
    bit <<= 1U;
  };
  std::apply(
      [&](const auto&... each) {
        (require(each.name, is_optional<std::remove_cvref_t<decltype(to.*each.member)>>), ...);
      },
      fields);
  if (!missing.empty()) {
    prepend(fault, missing);
    return fail(fault, "the field is missing");
  }
  return true;
}

} // namespace detail

/// Appends `value` as MessagePack: a map from field names, so that other languages need no schema.
template <message T>
void encode(std::string& to, const T& value) {
  writer out{to};
  detail::encode(out, value);
}

template <message T>
std::string encoded(const T& value) {
  std::string bytes;
  encode(bytes, value);
  return bytes;
}

/// Appends `value` as `encode` does, where a program wrote it and strangers read it.
/// @errors `internal`, reason `unreadable`: the field that no reader takes (a text that is no
/// UTF-8, a number that is not finite, a value without a word). `to` is of no use then.
template <message T>
outcome<void> encode_readable(std::string& to, const T& value) {
  writer out{to};
  detail::encode(out, value);
  return detail::check_written(out, troupe_name(static_cast<const T*>(nullptr)));
}

/// The same as bytes of its own.
template <message T>
outcome<std::string> encoded_readable(const T& value) {
  std::string bytes;
  if (auto written = encode_readable(bytes, value); !written) {
    return failure{std::move(written).error()};
  }
  return bytes;
}

/// Reads a `T` from `bytes`, which must have passed `check`.
///
/// Unknown keys are ignored; absent optionals stay empty.
/// @errors `invalid` with the path of the field, the expected type and the actual one.
template <message T>
outcome<T> decode(std::string_view bytes) {
  T value{};
  decode_fault fault;
  reader from{bytes};
  if (!detail::decode(from, value, fault)) {
    return failure{fault.to_error({})};
  }
  return value;
}

/// `check` and `decode`, for bytes that come from outside.
template <message T>
outcome<T> checked_decode(std::string_view bytes) {
  TROUPE_CHECK(check(bytes));
  return decode<T>(bytes);
}

/// Reads the answer to a call, which has been carried out whether or not it can be read.
/// @errors `internal`, effect unknown.
template <message T>
outcome<T> decode_answer(std::string_view bytes) {
  auto read = checked_decode<T>(bytes);
  if (!read) {
    return failure{detail::unreadable_answer(read.error())};
  }
  return read;
}

} // namespace troupe::wire

#define TROUPE_DETAIL_PARENS ()
#define TROUPE_DETAIL_EXPAND(...)                                                                  \
  TROUPE_DETAIL_EXPAND3(TROUPE_DETAIL_EXPAND3(                                                     \
      TROUPE_DETAIL_EXPAND3(TROUPE_DETAIL_EXPAND3(TROUPE_DETAIL_EXPAND3(__VA_ARGS__)))))
#define TROUPE_DETAIL_EXPAND3(...)                                                                 \
  TROUPE_DETAIL_EXPAND2(TROUPE_DETAIL_EXPAND2(TROUPE_DETAIL_EXPAND2(__VA_ARGS__)))
#define TROUPE_DETAIL_EXPAND2(...)                                                                 \
  TROUPE_DETAIL_EXPAND1(TROUPE_DETAIL_EXPAND1(TROUPE_DETAIL_EXPAND1(__VA_ARGS__)))
#define TROUPE_DETAIL_EXPAND1(...) __VA_ARGS__
#define TROUPE_DETAIL_FIELDS(...) __VA_OPT__(TROUPE_DETAIL_EXPAND(TROUPE_DETAIL_FIELD(__VA_ARGS__)))
#define TROUPE_DETAIL_FIELD(name, ...)                                                             \
  ::troupe::wire::field{#name, &self::name} __VA_OPT__(                                            \
      , TROUPE_DETAIL_FIELD_AGAIN TROUPE_DETAIL_PARENS(__VA_ARGS__))
#define TROUPE_DETAIL_FIELD_AGAIN() TROUPE_DETAIL_FIELD
#define TROUPE_DETAIL_WORD(name, ...)                                                              \
  std::pair<std::string_view, self>{#name, self::name} __VA_OPT__(                                 \
      , TROUPE_DETAIL_WORD_AGAIN TROUPE_DETAIL_PARENS(__VA_ARGS__))
#define TROUPE_DETAIL_WORD_AGAIN() TROUPE_DETAIL_WORD

/// The list of a message's fields, 64 at most; its MessagePack and JSON forms and its reading from
/// `config` are derived from it. At namespace scope, after the struct: `TROUPE_MESSAGE(greet,
/// name)`.
#define TROUPE_MESSAGE(type, ...)                                                                  \
  [[maybe_unused]] constexpr auto troupe_fields(const type*) {                                     \
    using self [[maybe_unused]] = type;                                                            \
    return std::make_tuple(TROUPE_DETAIL_FIELDS(__VA_ARGS__));                                     \
  }                                                                                                \
  [[maybe_unused]] constexpr std::string_view troupe_name(const type*) {                           \
    return #type;                                                                                  \
  }

/// The words of an enumeration in messages, equal to the names of its values:
/// `TROUPE_WORDS(colour, red, green)`. At namespace scope, after the enumeration.
#define TROUPE_WORDS(type, ...)                                                                    \
  [[maybe_unused]] constexpr auto troupe_words(type) {                                             \
    using self = type;                                                                             \
    return std::array{TROUPE_DETAIL_EXPAND(TROUPE_DETAIL_WORD(__VA_ARGS__))};                      \
  }

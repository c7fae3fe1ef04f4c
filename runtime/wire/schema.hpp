#pragma once

#include "runtime/wire/message.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The types of messages, for people, documents and programs in other languages. `shape`s are
// constants that the compiler makes from TROUPE_MESSAGE lines; `*_schema` are the same as messages.

namespace troupe::wire {

/// The form of a value in a body (FORMAT.md, "Values in bodies").
enum class form : std::uint8_t {
  any,
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  number,
  text,
  id,
  bytes,
  duration,
  words,
  list,
  map,
  message,
};

TROUPE_WORDS(
    form,
    any,
    boolean,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
    number,
    text,
    id,
    bytes,
    duration,
    words,
    list,
    map,
    message)

/// The smallest and the largest value of an integer or a duration.
struct integer_range {
  std::int64_t least = 0;
  std::uint64_t most = 0;
};

/// The range of a form; nothing for forms that are not integers.
std::optional<integer_range> range_of(form is);

struct message_shape;

/// The type of a value. One constant for each C++ type.
struct shape {
  form is = form::any;
  bool is_optional = false;
  /// The type of the values of a list or map.
  const shape* items = nullptr;
  /// The type of a message: a function, since types may contain themselves.
  const message_shape& (*message)() = nullptr;
  std::span<const std::string_view> words{};
};

struct field_shape {
  std::string_view name;
  const shape* type;
};

/// A message type. Its address distinguishes it from others with its name.
struct message_shape {
  std::string_view name;
  std::span<const field_shape> fields;
};

template <message T>
const message_shape& message_shape_of();

namespace detail {

template <class T>
constexpr form form_of_integer() {
  constexpr std::array all{
      form::int8,
      form::int16,
      form::int32,
      form::int64,
      form::uint8,
      form::uint16,
      form::uint32,
      form::uint64};
  constexpr std::size_t width = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
  return all[width + (std::is_signed_v<T> ? 0 : 4)];
}

template <class T>
struct shape_of;

template <std::integral T>
struct shape_of<T> {
  static constexpr shape value{.is = form_of_integer<T>()};
};

template <message T>
struct shape_of<T> {
  static constexpr shape value{.is = form::message, .message = &message_shape_of<T>};
};

template <worded T>
struct shape_of<T> {
  static constexpr auto words = [] {
    constexpr auto pairs = troupe_words(T{});
    std::array<std::string_view, pairs.size()> all{};
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      all[i] = pairs[i].first;
    }
    return all;
  }();
  static constexpr shape value{.is = form::words, .words = words};
};

template <class T>
struct shape_of<std::vector<T>> {
  static constexpr shape value{.is = form::list, .items = &shape_of<T>::value};
};

template <class T>
struct shape_of<std::map<std::string, T>> {
  static constexpr shape value{.is = form::map, .items = &shape_of<T>::value};
};

template <class T>
struct shape_of<std::optional<T>> {
  static constexpr shape value = [] {
    shape of = shape_of<T>::value;
    of.is_optional = true;
    return of;
  }();
};

template <form Form>
struct shape_of_form {
  static constexpr shape value{.is = Form};
};

template <>
struct shape_of<bool> : shape_of_form<form::boolean> {};

template <>
struct shape_of<double> : shape_of_form<form::number> {};

template <>
struct shape_of<std::string> : shape_of_form<form::text> {};

template <>
struct shape_of<uuid> : shape_of_form<form::id> {};

template <>
struct shape_of<binary_value> : shape_of_form<form::bytes> {};

template <>
struct shape_of<raw_value> : shape_of_form<form::any> {};

template <>
struct shape_of<std::chrono::milliseconds> : shape_of_form<form::duration> {};

template <message T>
struct fields_of {
  template <class Member>
  static constexpr field_shape one(const field<T, Member>& each) {
    return {each.name, &shape_of<Member>::value};
  }

  static constexpr auto all = std::apply(
      [](const auto&... each) { return std::array<field_shape, sizeof...(each)>{one(each)...}; },
      troupe_fields(static_cast<const T*>(nullptr)));
  static constexpr message_shape value{troupe_name(static_cast<const T*>(nullptr)), all};
};

} // namespace detail

template <message T>
const message_shape& message_shape_of() {
  return detail::fields_of<T>::value;
}

/// The type of a value, as a message.
struct value_schema {
  /// The lists and maps around the value, the outermost first: a list of maps of text is `text`
  /// within `list`, `map`.
  std::vector<form> within{};
  form is = form::any;
  /// The name of a message among the types given with this.
  std::optional<std::string> message{};
  /// The possible words, of `words`.
  std::vector<std::string> words{};

  bool operator==(const value_schema&) const = default;
};

TROUPE_MESSAGE(value_schema, within, is, message, words)

struct field_schema {
  std::string name;
  bool optional = false;
  value_schema type;

  bool operator==(const field_schema&) const = default;
};

TROUPE_MESSAGE(field_schema, name, optional, type)

struct message_schema {
  std::string name;
  std::vector<field_schema> fields;

  bool operator==(const message_schema&) const = default;
};

TROUPE_MESSAGE(message_schema, name, fields)

/// Message types by name, with all types that they contain. Of two types of one name that differ,
/// the later one gets a number: `line`, `line_2`.
class schema_book {
public:
  /// Adds `type` unless it is there. @return its name here.
  std::string add(const message_shape& type);

  /// The types in the order in which they were added, containing types before contained ones.
  std::vector<message_schema> take() { return std::move(types_); }

private:
  value_schema value_of(const shape& type);

  std::vector<message_schema> types_;
  std::map<const message_shape*, std::string> names_;
};

/// The type called `name`, or null.
const message_schema* find_schema(const std::vector<message_schema>& types, std::string_view name);

} // namespace troupe::wire

#include "runtime/store/postgres/parameters.hpp"

#include "runtime/bytes.hpp"
#include "runtime/store/postgres/types.hpp"

#include <bit>
#include <fmt/format.h>
#include <limits>

namespace troupe::store {

namespace {

/// Length in bytes of a UTF-8 character, by its first byte; 0 if no character starts with it.
std::size_t length_of_character(unsigned char first) {
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xc2 && first < 0xe0) {
    return 2;
  }
  if (first >= 0xe0 && first < 0xf0) {
    return 3;
  }
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/// Whether PostgreSQL accepts `text`: UTF-8 as in RFC 3629, without NUL.
bool is_sound(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    const std::size_t length = length_of_character(first);
    if (first == 0 || length == 0 || at + length > text.size()) {
      return false;
    }
    for (std::size_t i = 1; i < length; ++i) {
      if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) {
        return false;
      }
    }
    if (length > 2) {
      const auto second = static_cast<unsigned char>(text[at + 1]);
      // Refuse overlong forms, surrogates, and code points above U+10FFFF.
      if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)
          || (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) {
        return false;
      }
    }
    at += length;
  }
  return true;
}

std::string in_big_endian(std::uint64_t number, std::size_t bytes) {
  std::string made(bytes, '\0');
  store_big_endian(reinterpret_cast<std::byte*>(made.data()), number, bytes);
  return made;
}

} // namespace

/// Encodes one value as one parameter.
struct postgres_parameters::encoder {
  postgres_parameters& into;
  const postgres_statement& of;
  Oid type;

  void operator()(null_value) const { into.add(nullptr, 0); }

  void operator()(std::int64_t number) const {
    switch (type) {
    case type_of::int8:
      return own(in_big_endian(static_cast<std::uint64_t>(number), 8));
    case type_of::int4:
      require(
          number >= std::numeric_limits<std::int32_t>::min()
          && number <= std::numeric_limits<std::int32_t>::max());
      return own(in_big_endian(static_cast<std::uint32_t>(number), 4));
    case type_of::int2:
      require(
          number >= std::numeric_limits<std::int16_t>::min()
          && number <= std::numeric_limits<std::int16_t>::max());
      return own(in_big_endian(static_cast<std::uint16_t>(number), 2));
    case type_of::boolean:
      return own(std::string(1, number == 0 ? '\0' : '\1'));
    case type_of::float4:
    case type_of::float8:
    case type_of::numeric:
    case type_of::text:
    case type_of::varchar:
      return own(std::to_string(number), false);
    default:
      refuse("an integer");
    }
  }

  void operator()(double number) const {
    if (type == type_of::float8) {
      return own(in_big_endian(std::bit_cast<std::uint64_t>(number), 8));
    }
    if (type == type_of::float4 || type == type_of::numeric || type_of::is_text(type)) {
      return own(fmt::format("{}", number), false);
    }
    refuse("a floating-point number");
  }

  void operator()(std::string_view text) const {
    if (type == type_of::bytes) {
      return borrow(text.data(), text.size());
    }
    if (!type_of::is_text(type)) {
      refuse("a text");
    }
    if (!is_sound(text)) {
      throw database_error{
          database_fault::constraint,
          fmt::format(
              "PostgreSQL takes no text with a NUL or bytes that are no UTF-8; store it as bytes "
              "(parameter ${} in: {})",
              into.starts_.size() + 1,
              of.sql)};
    }
    borrow(text.data(), text.size());
  }

  void operator()(blob bytes) const {
    if (type != type_of::bytes && type != type_of::id) {
      refuse("bytes");
    }
    borrow(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  void own(std::string made, bool is_binary = true) const {
    const std::string& kept = into.made_.emplace_back(std::move(made));
    into.add(kept.c_str(), kept.size(), is_binary);
  }

  void borrow(const char* start, std::size_t size) const {
    // A null pointer would mean NULL, which differs from an empty text.
    into.add(start == nullptr ? "" : start, size);
  }

  void require(bool fits) const {
    if (!fits) {
      throw database_error{
          database_fault::constraint,
          fmt::format(
              "parameter ${} is out of its column's range (in: {})",
              into.starts_.size() + 1,
              of.sql)};
    }
  }

  [[noreturn]] void refuse(std::string_view what) const {
    throw database_error{
        database_fault::schema,
        fmt::format(
            "parameter ${} is {}, and the statement wants the type {} there (in: {})",
            into.starts_.size() + 1,
            what,
            type,
            of.sql)};
  }
};

postgres_parameters::postgres_parameters(
    const postgres_statement& of, std::span<const value> values) {
  if (values.size() != of.parameters.size()) {
    throw database_error{
        database_fault::schema,
        fmt::format(
            "{} parameters given, {} wanted (in: {})",
            values.size(),
            of.parameters.size(),
            of.sql)};
  }
  starts_.reserve(values.size());
  lengths_.reserve(values.size());
  formats_.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::visit(encoder{*this, of, of.parameters[i]}, values[i]);
  }
}

void postgres_parameters::add(const char* start, std::size_t size, bool is_binary) {
  starts_.push_back(start);
  lengths_.push_back(static_cast<int>(size));
  formats_.push_back(is_binary ? 1 : 0);
  size_ += size + 8;
  are_binary_ = are_binary_ && is_binary;
}

} // namespace troupe::store

#include "runtime/wire/reader.hpp"

#include "runtime/bytes.hpp"

#include <array>
#include <limits>

namespace troupe::wire {

namespace {

std::uint64_t load_sized(const char* from, int bytes) {
  switch (bytes) {
  case 1:
    return load_big_endian<std::uint8_t>(from);
  case 2:
    return load_big_endian<std::uint16_t>(from);
  case 4:
    return load_big_endian<std::uint32_t>(from);
  default:
    return load_big_endian<std::uint64_t>(from);
  }
}

std::uint64_t sign_extend(std::uint64_t bits, int bytes) {
  const int unused = 64 - 8 * bytes;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(bits << unused) >> unused);
}

/// The layout of a format byte from 0xc0 to 0xdf.
struct format {
  value_type type = value_type::none;
  /// Width in bytes of the length, count or number after the format byte.
  std::uint8_t width = 0;
  /// Payload size of the fixext formats, including their type byte.
  std::uint8_t fixed = 0;
  bool is_signed = false;
};

// @source the MessagePack specification, "Formats".
// clang-format off
constexpr std::array<format, 32> formats{{
    {value_type::nil},                 {value_type::none},                 // c0, c1
    {value_type::boolean},             {value_type::boolean},              // c2, c3
    {value_type::binary, 1},           {value_type::binary, 2},            // c4, c5
    {value_type::binary, 4},           {value_type::extension, 1},         // c6, c7
    {value_type::extension, 2},        {value_type::extension, 4},         // c8, c9
    {value_type::real, 4},             {value_type::real, 8},              // ca, cb
    {value_type::integer, 1},          {value_type::integer, 2},           // cc, cd
    {value_type::integer, 4},          {value_type::integer, 8},           // ce, cf
    {value_type::integer, 1, 0, true}, {value_type::integer, 2, 0, true},  // d0, d1
    {value_type::integer, 4, 0, true}, {value_type::integer, 8, 0, true},  // d2, d3
    {value_type::extension, 0, 2},     {value_type::extension, 0, 3},      // d4, d5
    {value_type::extension, 0, 5},     {value_type::extension, 0, 9},      // d6, d7
    {value_type::extension, 0, 17},    {value_type::text, 1},              // d8, d9
    {value_type::text, 2},             {value_type::text, 4},              // da, db
    {value_type::array, 2},            {value_type::array, 4},             // dc, dd
    {value_type::map, 2},              {value_type::map, 4},               // de, df
}};

// clang-format on

bool has_payload_bytes(value_type type) {
  return type == value_type::text || type == value_type::binary || type == value_type::extension;
}

} // namespace

std::string_view name_of(value_type type) {
  switch (type) {
  case value_type::nil:
    return "nil";
  case value_type::boolean:
    return "a boolean";
  case value_type::integer:
    return "an integer";
  case value_type::real:
    return "a number";
  case value_type::text:
    return "text";
  case value_type::binary:
    return "binary";
  case value_type::array:
    return "an array";
  case value_type::map:
    return "a map";
  case value_type::extension:
    return "an extension";
  case value_type::none:
    break;
  }
  return "nothing readable";
}

value_type reader::peek() const {
  head next;
  return read_head(next) ? next.type : value_type::none;
}

bool reader::read_head(head& out) const {
  if (at_ == end_) {
    return false;
  }
  const auto first = static_cast<unsigned char>(*at_);
  if (first < 0x80) {
    out = {value_type::integer, 1, first, false};
    return true;
  }
  if (first >= 0xe0) {
    out = {value_type::integer, 1, sign_extend(first, 1), true};
    return true;
  }
  if (first < 0x90) {
    out = {value_type::map, 1, first & 0x0fU, false};
    return true;
  }
  if (first < 0xa0) {
    out = {value_type::array, 1, first & 0x0fU, false};
    return true;
  }
  if (first < 0xc0) {
    out = {value_type::text, 1, first & 0x1fU, false};
    return out.payload <= static_cast<std::uint64_t>(end_ - at_ - 1);
  }
  const format& known = formats[first - 0xc0U];
  if (known.type == value_type::none || end_ - at_ - 1 < known.width) {
    return false;
  }
  out = {known.type, 1U + known.width, known.fixed, false};
  if (known.type == value_type::boolean) {
    out.payload = first & 1U;
  } else if (known.width > 0) {
    out.payload = load_sized(at_ + 1, known.width);
  }
  if (known.is_signed) {
    out.payload = sign_extend(out.payload, known.width);
    out.negative = static_cast<std::int64_t>(out.payload) < 0;
  }
  if (known.type == value_type::extension && known.width > 0) {
    out.payload += 1; // The type byte.
  }
  return !has_payload_bytes(out.type)
         || out.payload <= static_cast<std::uint64_t>(end_ - at_) - out.size;
}

bool reader::read(bool& value) {
  head next;
  if (!read_head(next) || next.type != value_type::boolean) {
    return false;
  }
  value = next.payload != 0;
  at_ += next.size;
  return true;
}

bool reader::read(std::int64_t& value) {
  head next;
  if (!read_head(next) || next.type != value_type::integer) {
    return false;
  }
  if (!next.negative && next.payload > std::numeric_limits<std::int64_t>::max()) {
    return false;
  }
  value = static_cast<std::int64_t>(next.payload);
  at_ += next.size;
  return true;
}

bool reader::read(std::uint64_t& value) {
  head next;
  if (!read_head(next) || next.type != value_type::integer || next.negative) {
    return false;
  }
  value = next.payload;
  at_ += next.size;
  return true;
}

bool reader::read(double& value) {
  head next;
  if (!read_head(next)) {
    return false;
  }
  if (next.type == value_type::integer) {
    value = next.negative ? static_cast<double>(static_cast<std::int64_t>(next.payload))
                          : static_cast<double>(next.payload);
  } else if (next.type == value_type::real) {
    value =
        next.size == 5
            ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(next.payload)))
            : std::bit_cast<double>(next.payload);
  } else {
    return false;
  }
  at_ += next.size;
  return true;
}

bool reader::read_nil() {
  head next;
  if (!read_head(next) || next.type != value_type::nil) {
    return false;
  }
  at_ += next.size;
  return true;
}

bool reader::read_sized(value_type type, std::string_view& value) {
  head next;
  if (!read_head(next) || next.type != type) {
    return false;
  }
  value = {at_ + next.size, static_cast<std::size_t>(next.payload)};
  at_ += next.size + next.payload;
  return true;
}

bool reader::read_binary(std::string_view& value) {
  return read_sized(value_type::binary, value);
}

bool reader::read_extension(std::string_view& value) {
  return read_sized(value_type::extension, value);
}

bool reader::read_count(value_type type, std::uint32_t& count) {
  head next;
  if (!read_head(next) || next.type != type) {
    return false;
  }
  count = static_cast<std::uint32_t>(next.payload);
  at_ += next.size;
  return true;
}

bool reader::read_array(std::uint32_t& elements) {
  return read_count(value_type::array, elements);
}

bool reader::read_map(std::uint32_t& entries) {
  return read_count(value_type::map, entries);
}

bool reader::skip() {
  const char* const start = at_;
  // Values left to skip. Cannot wrap: each container adds less than 2^33 and takes at least a byte.
  std::uint64_t left = 1;
  while (left > 0) {
    value_type type = value_type::none;
    std::uint64_t elements = 0;
    if (!step(type, elements)) {
      at_ = start;
      return false;
    }
    left += elements - 1;
  }
  return true;
}

bool reader::step(value_type& type, std::uint64_t& elements) {
  head next;
  if (!read_head(next)) {
    return false;
  }
  type = next.type;
  elements = type == value_type::array ? next.payload
             : type == value_type::map ? 2 * next.payload
                                       : 0;
  at_ += next.size + (has_payload_bytes(type) ? next.payload : 0);
  return true;
}

bool reader::read_raw(std::string_view& value) {
  const char* const start = at_;
  if (!skip()) {
    return false;
  }
  value = {start, static_cast<std::size_t>(at_ - start)};
  return true;
}

} // namespace troupe::wire

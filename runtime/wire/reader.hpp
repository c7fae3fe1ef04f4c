#pragma once

#include <cstdint>
#include <string_view>

namespace troupe::wire {

/// The types of MessagePack values.
enum class value_type : std::uint8_t {
  nil,
  boolean,
  integer,
  real,
  text,
  binary,
  array,
  map,
  extension,
  /// Nothing is left, or a byte that MessagePack does not use.
  none,
};

/// "a map", "text": for messages to people.
std::string_view name_of(value_type type);

/// Reads MessagePack values in place, one after another. Nothing is copied or allocated.
///
/// Every getter returns false, and moves nothing, if the next value is of another type, does not
/// fit or is cut off. Views point into the bytes given, which must outlive them. It does not limit
/// depth or declared sizes: run `check` first on bytes from outside.
class reader {
public:
  explicit reader(std::string_view bytes) : at_{bytes.data()}, end_{at_ + bytes.size()} {}

  value_type peek() const;

  bool read(bool& value);
  bool read(std::int64_t& value);
  bool read(std::uint64_t& value);
  /// Reads integers too: msgpack-c 4.1 packs 2.0 as 2 (its issue 1018), and JSON has only one kind
  /// of number.
  bool read(double& value);
  bool read_nil();

  /// Inline for short texts, since every key of a header or body is short.
  bool read_text(std::string_view& value) {
    if (at_ != end_) {
      const auto first = static_cast<unsigned char>(*at_);
      const std::size_t size = first & 0x1fU;
      if ((first & 0xe0U) == 0xa0U && size < static_cast<std::size_t>(end_ - at_)) {
        value = {at_ + 1, size};
        at_ += 1 + size;
        return true;
      }
    }
    return read_sized(value_type::text, value);
  }

  bool read_binary(std::string_view& value);
  /// The byte of its type, then its own.
  bool read_extension(std::string_view& value);
  bool read_array(std::uint32_t& elements);
  bool read_map(std::uint32_t& entries);
  /// The bytes of the next value, of any type, with everything it contains.
  bool read_raw(std::string_view& value);
  bool skip();
  /// Skips the head of an array or map, or the whole of any other value.
  /// @param elements the values that follow as its elements, two for each entry of a map.
  bool step(value_type& type, std::uint64_t& elements);

  bool at_end() const { return at_ == end_; }

  const char* position() const { return at_; }

private:
  struct head {
    value_type type = value_type::none;
    /// Bytes before the payload, format byte included.
    std::uint32_t size = 0;
    /// Payload bytes, elements or entries; of an integer or real, its bits.
    std::uint64_t payload = 0;
    bool negative = false;
  };

  bool read_head(head& out) const;
  bool read_sized(value_type type, std::string_view& value);
  bool read_count(value_type type, std::uint32_t& count);

  const char* at_;
  const char* end_;
};

} // namespace troupe::wire

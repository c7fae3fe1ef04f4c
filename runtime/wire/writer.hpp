#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::wire {

/// Appends MessagePack values to a byte string. A thin wrapper of msgpack-c's packer, to keep its
/// headers out of ours.
class writer {
public:
  explicit writer(std::string& to) : to_{to} {}

  void nil();
  void boolean(bool value);
  void integer(std::int64_t value);
  void unsigned_integer(std::uint64_t value);
  /// Writes a real number, always as a float64.
  void real(double value);
  void text(std::string_view value);
  void binary(std::string_view value);
  void array(std::uint32_t elements);
  void map(std::uint32_t entries);

  /// A key and its value, in a map that was begun.
  void text_entry(std::string_view key, std::string_view value) {
    text(key);
    text(value);
  }

  /// Bytes that are already a complete value.
  void raw(std::string_view value) { to_.append(value); }

private:
  std::string& to_;
};

} // namespace troupe::wire

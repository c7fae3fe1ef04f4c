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

  /// The key of a message's field, whose value follows. `name` is a literal.
  void field(std::string_view name) {
    field_ = name;
    text(name);
  }

  /// Notes that no reader takes the value that is being written, and why, in a literal. The first
  /// time counts.
  void refuse(std::string_view why) {
    if (refusal_.empty()) {
      refusal_ = why;
      refused_ = field_;
    }
  }

  /// The reason for which readers refuse what was written; empty if they take it.
  std::string_view refusal() const { return refusal_; }

  std::string_view refused_field() const { return refused_; }

private:
  std::string& to_;
  std::string_view field_;
  std::string_view refusal_;
  std::string_view refused_;
};

} // namespace troupe::wire

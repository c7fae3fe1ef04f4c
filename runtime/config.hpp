#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A place in a topology file; both count from 1. {0, 0} is the file as a whole.
struct file_position {
  int line = 0;
  int column = 0;

  bool operator==(const file_position&) const = default;
};

/// A fault of a topology file: what is wrong, and what to do about it.
struct fault {
  file_position at;
  std::string what;
  std::string remedy;
};

/// A parsed configuration file: scalars, lists and maps, each with its position.
///
/// A plain value. Nothing is interpreted: every scalar is its text.
struct config_tree {
  enum class kind : std::uint8_t { null, scalar, list, map };

  // A template, so that it is instantiated only where `config_tree` is complete.
  template <class Tree>
  struct basic_entry {
    std::string key;
    /// The position of the key.
    file_position at;
    Tree value;
  };

  using entry = basic_entry<config_tree>;

  kind is = kind::null;
  file_position at{};
  std::string text{};               // The text of a scalar.
  std::vector<config_tree> items{}; // The items of a list.
  std::vector<entry> entries{};     // The entries of a map, in the order of the file.

  const config_tree* find(std::string_view key) const;
};

/// The words of `candidates` closest to `word`, as ", did you mean `x`?", or "" if none is close.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// The longest duration that may be written where no shorter limit is given: ten years. Added to
/// any present-day time it is still within a clock's range, in nanoseconds, too.
constexpr std::chrono::hours duration_max{24 * 3'650};

/// "250ms", "5s", "1m", "2h", "7d"; a number without a unit is refused, as are negative numbers.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "4096" (bytes), "16KiB", "1MiB", "2GiB".
std::optional<std::uint64_t> parse_size(std::string_view text);

/// Whether a number has a zero in front that says nothing. Some readers of YAML take `010` for 8,
/// others for 10, so that it is refused.
bool has_idle_zero(std::string_view number);

/// The shortest text that `parse_duration` reads as `duration`: "1m" for 60,000 ms.
std::string duration_text(std::chrono::milliseconds duration);

/// "64KiB", "1MiB"; rounded to a tenth where `bytes` is no whole number of a unit ("4.4GiB").
std::string size_text(std::uint64_t bytes);

/// Reads the keys of one map and collects the faults, so that all are reported at once.
///
/// Each getter marks its key as known and returns nothing if the key is absent or unreadable (the
/// latter is a fault). `finish` reports the keys that no getter read, each with the nearest known
/// one. Borrows the tree and the list of faults; confined to one thread.
class config_reader {
public:
  /// An empty value (`users:` and nothing more) reads as an empty map; a scalar or list is a fault.
  ///
  /// @param what names the map in faults, such as "capability `orders`".
  config_reader(const config_tree& map, std::string what, std::vector<fault>& faults);

  std::optional<std::string> text(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  /// A fraction or decimal number in [least, most].
  std::optional<double> number(std::string_view key, double least, double most);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::chrono::milliseconds>
  duration(std::string_view key, std::chrono::milliseconds least, std::chrono::milliseconds most);
  std::optional<std::uint64_t> size(std::string_view key, std::uint64_t least, std::uint64_t most);
  /// A list of scalars, which may be empty.
  std::optional<std::vector<std::string>> texts(std::string_view key);
  /// The subtree under `key`, whatever it is.
  const config_tree* tree(std::string_view key);

  /// Adds a fault unless `key` is there.
  void require(std::string_view key, std::string_view remedy);
  /// Adds "`key` of MAP WHAT", as in "`listen` of broker `b1` is no endpoint".
  void add_fault(std::string_view key, std::string what, std::string remedy);
  /// Reports unknown keys. Call once, last.
  void finish();

  /// The position of the value of `key`, or of the map if the key is absent.
  file_position position_of(std::string_view key) const;

private:
  const config_tree* value_of(std::string_view key);
  const std::string* scalar_of(std::string_view key, std::string_view remedy);

  const config_tree& map_;
  std::string what_;
  std::vector<fault>& faults_;
  std::vector<std::string> known_;
};

} // namespace troupe

#pragma once

#include "runtime/ids.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// The current piece of work of a runner, so that it can be named if it hangs.
///
/// Noted by the runner's thread for each message, at the cost of a dozen stores; read by any thread
/// without making the runner wait: a note being written is read again, and a name is cut at 64
/// bytes.
class work_at_hand {
public:
  enum class kind : std::uint8_t {
    nothing,
    /// The runtime's own work.
    own,
    /// Work of an author's code, by the name of the operation, topic, effect or replica.
    call,
    event,
    settlement,
    saga,
    regular,
    constructor,
    commit,
  };

  /// A note as read.
  struct note {
    kind what = kind::nothing;
    std::string name;
    uuid message;

    /// "the handler of `orders.place`", for people.
    /// @param capability the one that the runner runs.
    std::string in(std::string_view capability) const;
  };

  /// Notes the current work of the runner. Runner's thread.
  /// @param message the id of the message, the effect's key or the saga's id; nil for none.
  void begin(kind what, std::string_view name = {}, const uuid& message = {});

  /// The current work of the runner; nothing if it changes too quickly to be read, and so does not
  /// hang. Any thread.
  std::optional<note> look() const;

private:
  static constexpr std::size_t name_bytes_max = 64;
  static constexpr std::size_t name_words = name_bytes_max / sizeof(std::uint64_t);

  // Odd while a note is being written.
  std::atomic<std::uint32_t> edition_{0};
  std::atomic<std::uint32_t> head_{0}; // The kind, and the size of the name above its 8 bits.
  std::array<std::atomic<std::uint64_t>, 2> message_{};
  std::array<std::atomic<std::uint64_t>, name_words> name_{};
};

} // namespace troupe

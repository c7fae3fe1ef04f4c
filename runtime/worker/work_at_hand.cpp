#include "runtime/worker/work_at_hand.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace troupe {

namespace {

// A note takes nanoseconds, so that one that is never at rest belongs to a runner that goes on.
constexpr int looks_max = 1'000;

} // namespace

// Words are stored with release and read with acquire: whoever reads one of a newer note reads the
// newer edition behind it, too. On x86 both are plain moves.
void work_at_hand::begin(kind what, std::string_view name, const uuid& message) {
  const std::uint32_t edition = edition_.load(std::memory_order_relaxed);
  edition_.store(edition + 1, std::memory_order_relaxed);
  const std::size_t size = std::min(name.size(), name_bytes_max);
  head_.store(
      static_cast<std::uint32_t>(size << 8U) | static_cast<std::uint32_t>(what),
      std::memory_order_release);
  for (std::size_t at = 0; at < message_.size(); ++at) {
    std::uint64_t word = 0;
    std::memcpy(&word, message.bytes.data() + at * sizeof(word), sizeof(word));
    message_[at].store(word, std::memory_order_release);
  }
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, name.data() + at, std::min(sizeof(word), size - at));
    name_[at / sizeof(word)].store(word, std::memory_order_release);
  }
  edition_.store(edition + 2, std::memory_order_release);
}

std::optional<work_at_hand::note> work_at_hand::look() const {
  for (int looks = 0; looks < looks_max; ++looks) {
    const std::uint32_t edition = edition_.load(std::memory_order_acquire);
    if (edition % 2 != 0) {
      continue;
    }
    const std::uint32_t head = head_.load(std::memory_order_acquire);
    note found;
    found.what = static_cast<kind>(head & 0xffU);
    for (std::size_t at = 0; at < message_.size(); ++at) {
      const std::uint64_t word = message_[at].load(std::memory_order_acquire);
      std::memcpy(found.message.bytes.data() + at * sizeof(word), &word, sizeof(word));
    }
    std::array<char, name_bytes_max> name{};
    for (std::size_t at = 0; at < name_words; ++at) {
      const std::uint64_t word = name_[at].load(std::memory_order_acquire);
      std::memcpy(name.data() + at * sizeof(word), &word, sizeof(word));
    }
    if (edition_.load(std::memory_order_relaxed) == edition) {
      found.name.assign(name.data(), std::min<std::size_t>(head >> 8U, name_bytes_max));
      return found;
    }
  }
  return std::nullopt;
}

std::string work_at_hand::note::in(std::string_view capability) const {
  switch (what) {
  case kind::call:
    return fmt::format("the handler of `{}.{}`", capability, name);
  case kind::event:
    return fmt::format("the handler of the event `{}` in `{}`", name, capability);
  case kind::settlement:
    return name.empty() ? fmt::format("the settlement of an effect of `{}`", capability)
                        : fmt::format("the settlement of the effect `{}.{}`", capability, name);
  case kind::saga:
    return fmt::format("a saga of `{}`", capability);
  case kind::regular:
    return fmt::format("the regular work of `{}`", capability);
  case kind::constructor:
    return fmt::format("the constructor of the actor of `{}`", capability);
  case kind::commit:
    return fmt::format("the commit of a turn of `{}`", capability);
  case kind::own:
    return name.empty() ? fmt::format("the runtime's own work for `{}`", capability)
                        : fmt::format("the runtime's own work for `{}` ({})", capability, name);
  case kind::nothing:
    break;
  }
  return fmt::format("nothing that is known, in `{}`", capability);
}

} // namespace troupe

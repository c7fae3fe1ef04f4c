#pragma once

#include "runtime/ids.hpp"
#include "runtime/secret_hash.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace troupe::broker {

/// The ids of the latest publishes of clients, so that a repeat is answered and not journaled
/// again.
///
/// Bounded: the `ids_max` newest are remembered. The entries are in order of arrival; a search
/// reads a table of eight bytes per entry, which stays in the processor's cache and in which a new
/// id mostly meets no other. A map of ids took a tenth of the time that the broker spends on an
/// event.
class recent_publishes {
public:
  static constexpr std::size_t ids_max = 65'536;

  struct entry {
    std::uint64_t position = 0;
    /// The digest of topic, key and body, which a repeat must have, too (of topic and body, if an
    /// earlier release stored it).
    std::uint64_t digest = 0;
  };

  /// The entry of `id`; null if it is not remembered. Valid until the next change.
  const entry* find(const uuid& id) const;
  /// Remembers `id`, which must be unknown; its position must be the highest so far.
  void add(const uuid& id, const entry& what);
  /// Forgets the newest, down to and including those at `position`: they were not journaled.
  void drop_from(std::uint64_t position);

private:
  struct remembered {
    uuid id;
    entry what;
  };

  /// Open addressing: an entry is at its hash or behind it, without an empty place between.
  struct place {
    std::uint32_t hash = 0;
    /// The number of the entry, from 1; 0: empty.
    std::uint32_t number = 0;
  };

  static constexpr std::size_t places_max = 2 * ids_max;

  std::uint32_t hash_of(const uuid& id) const { return static_cast<std::uint32_t>(hash_(id)); }

  static std::size_t behind(std::size_t place) { return (place + 1) % places_max; }

  void take_out(std::size_t index);

  secret_hash hash_;
  std::vector<remembered> ring_;
  std::size_t oldest_ = 0;
  std::size_t count_ = 0;
  std::vector<place> places_;
};

} // namespace troupe::broker

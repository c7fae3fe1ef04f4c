#pragma once

#include "runtime/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace troupe {

/// A life of a journal: from one opening for writing to the next.
struct journal_life {
  uuid id;
  /// The first position that it wrote, or would have written.
  std::uint64_t first = 0;

  bool operator==(const journal_life&) const = default;
};

/// The lineage of a journal: which of its lives wrote which positions. A restored copy goes on with
/// another life than its original, so that the two histories differ from there on, however far both
/// grow.
class lineage {
public:
  lineage() = default;

  /// @param lives by rising `first`.
  explicit lineage(std::vector<journal_life> lives) : lives_{std::move(lives)} {}

  const std::vector<journal_life>& lives() const { return lives_; }

  /// The life that wrote a position; all zeros if unknown.
  uuid writer_of(std::uint64_t position) const;

  /// Whether this life is known, and wrote this position here.
  bool has(const uuid& life, std::uint64_t position) const;

  /// Whether everything that `reader` knows up to `position` was written here. Also true if it is
  /// unknown who wrote `position`.
  bool agrees_with(const lineage& reader, std::uint64_t position) const;

  /// Whether this history goes on after the last of `lives`, by a life that they lack: the sender
  /// of `lives` has lost the journal since, and the message came late.
  bool outlives(const std::vector<journal_life>& lives) const;

  /// The last position, at most `most`, up to which this history and another one are the same.
  std::uint64_t shared_with(const lineage& other, std::uint64_t most) const;

  /// The newest lives, at most that many.
  std::vector<journal_life> newest(std::size_t count) const;

  /// Learns who wrote the positions above `position` from the journal's own history. What was known
  /// about those up to there is kept: it says what was really read.
  void learn(const std::vector<journal_life>& lives, std::uint64_t position);

private:
  std::vector<journal_life> lives_;
};

} // namespace troupe

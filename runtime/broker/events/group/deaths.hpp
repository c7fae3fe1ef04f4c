#pragma once

#include "runtime/broker/blame_book.hpp"
#include "runtime/broker/journal/event.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace troupe::broker {

/// The workers of one subscriber that died, and the events they had in hand: which event killed
/// them cannot be seen, so each counts a death. Pure.
class deaths {
public:
  /// An event that was in hand when a worker died.
  struct blame {
    std::uint32_t partition = 0;
    std::uint64_t position = 0;
    uuid id;
  };

  /// The worker that died last with a convicted event.
  struct conviction {
    std::string node;
    std::uint32_t partition = 0;
    /// No worker died: each cut its link.
    bool was_cut = false;
  };

  /// A worker that is gone, and what it had in hand.
  struct departure {
    uuid incarnation;
    std::vector<blame> blamed;
    /// The largest event, if its size may have cut the link; else of 0 bytes.
    blame largest;
    std::size_t largest_bytes = 0;
  };

  /// Whether no event is blamed for a death.
  bool empty() const { return blamed_.empty(); }

  bool is_suspect(const event_ref& what) const {
    return !blamed_.empty() && blamed_.deaths_of(what->id) >= deaths_suspected;
  }

  /// A worker is gone: `add` for each event it had in hand, then `end_departure`.
  void begin_departure(const uuid& incarnation) { departed_.push_back({incarnation, {}, {}, 0}); }

  /// The worker had just logged in, and had this event in hand.
  void note_size(const event& what, std::uint32_t partition);

  /// @return true if the event is convicted by this death.
  bool add(const event& what, std::uint32_t partition, bool was_alone, const std::string& node);

  /// The number of workers that died with the suspect when its time alone was over.
  std::uint8_t outlasted(const event& what) const { return blamed_.outlasted(what.id); }

  /// The link lasted with this event in hand: the cuts before are no row.
  void forget_cuts(std::uint64_t position) { cuts_.erase(position); }

  void end_departure();

  /// The process only lost its link: takes its deaths back, and returns how it left.
  departure take_back(const uuid& incarnation);

  /// Whether the largest event that the worker had, which is back, has cut a link too often. If so,
  /// it is convicted.
  bool cut_by(const departure& back, const std::string& node);

  /// The event was handled, given up, or failed without killing anybody.
  void clear(const event& what);

  void acquit(std::uint64_t position) {
    convicted_.erase(position);
    cuts_.erase(position);
  }

  /// Forgets the convictions of a partition.
  void acquit_all(std::uint32_t partition);

  /// The convictions, by position.
  const std::map<std::uint64_t, conviction>& convicted() const { return convicted_; }

private:
  struct cuts {
    std::uint32_t partition = 0;
    std::uint8_t count = 0;
  };

  blame_book blamed_;
  std::deque<departure> departed_;
  std::map<std::uint64_t, conviction> convicted_;
  /// How often each event cut a link, by position: those that are in hand, or wait again.
  std::map<std::uint64_t, cuts> cuts_;
};

} // namespace troupe::broker

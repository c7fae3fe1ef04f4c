#pragma once

#include "runtime/broker/blame_book.hpp"
#include "runtime/broker/cut_links.hpp"
#include "runtime/broker/journal/event.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::broker {

/// The dead workers of one subscriber, and the events they had in hand: the event that killed a
/// worker is unknown, so a death is counted for each. Pure.
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
    /// No worker died: the event cut a link each time.
    bool was_cut = false;
  };

  /// A worker that is gone, and what it had in hand.
  struct departure {
    uuid incarnation;
    std::vector<blame> blamed;
  };

  /// @param cuts outlives this. @param whose events these are.
  deaths(cut_links& cuts, suspect_of whose) : cuts_{cuts}, whose_{whose} {}

  /// Whether no event is blamed for a death.
  bool empty() const { return blamed_.empty(); }

  bool is_suspect(const event_ref& what) const {
    return !blamed_.empty() && blamed_.deaths_of(what->id) >= deaths_suspected;
  }

  /// A worker is gone: `add` for each event it had in hand, then `end_departure`.
  void begin_departure(const uuid& incarnation) { departed_.push_back({incarnation, {}}); }

  /// @return true if the event is convicted by this death.
  bool add(const event& what, std::uint32_t partition, bool was_alone, const std::string& node);

  /// The number of workers that died with the suspect after its time alone was over.
  std::uint8_t outlasted(const event& what) const { return blamed_.outlasted(what.id); }

  void end_departure();

  /// The process only lost its link: takes its deaths back, and returns how it left.
  departure take_back(const uuid& incarnation);

  /// A worker is sent this event.
  void note_sent(login_id to, const event& what, std::uint32_t partition, instant now) {
    cuts_.sent(to, {whose_, what.id, partition, what.position, what.body.size()}, now);
  }

  /// A worker has reported about the events of a partition from `first` to `last`, and so has
  /// received them.
  void note_word(login_id by, std::uint32_t partition, std::uint64_t first, std::uint64_t last) {
    cuts_.answered(by, whose_, partition, first, last);
  }

  /// The event that has cut the links of the returned worker too often.
  std::optional<cut_links::message> too_large() const { return cuts_.too_large(whose_); }

  /// Convicts that event.
  void convict_cut(const cut_links::message& what, const std::string& node) {
    convicted_[what.position] = {node, what.partition, true};
    cuts_.set_aside();
  }

  /// The event was handled, given up, or failed without killing a worker.
  void clear(const event& what);

  void acquit(std::uint64_t position) { convicted_.erase(position); }

  /// Forgets the convictions of a partition.
  void acquit_all(std::uint32_t partition);

  /// The convictions, by position.
  const std::map<std::uint64_t, conviction>& convicted() const { return convicted_; }

private:
  cut_links& cuts_;
  suspect_of whose_;
  blame_book blamed_;
  std::deque<departure> departed_;
  std::map<std::uint64_t, conviction> convicted_;
};

} // namespace troupe::broker

#pragma once

#include "runtime/secret_hash.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <tsl/robin_set.h>
#include <vector>

namespace troupe::broker {

/// The topics of the journal, so that a topic beyond the limit is refused before anything is
/// written. Topics of events on their way to the disk count, and can be taken back. Pure.
class known_topics {
public:
  /// @param names the topics of the journal; if there are more than `topics_max`, no new one is
  /// admitted.
  known_topics(std::size_t topics_max, std::vector<std::string> names);

  bool has_room_for(std::string_view topic) const;
  /// Whether an event of this topic may be accepted; from then on the topic is known.
  bool admit(std::string_view topic);

  /// An event of this topic is in the closed batch.
  void admit_closed(std::string_view topic);

  /// A batch is closed: it has all topics admitted so far.
  void close_batch();
  /// The batch is on disk.
  void written();
  /// The batch failed: topics admitted since the last batch on disk are unknown again. Topics of
  /// events still to be written must be admitted again.
  void take_back();
  /// The journal has forgotten these topics. Those of events still to be written must be admitted
  /// again.
  void forget(const std::vector<std::string>& names);

  std::size_t topics_max() const { return topics_max_; }

private:
  std::size_t topics_max_;
  tsl::robin_set<std::string, secret_hash, std::equal_to<>> names_;
  std::string recent_;
  /// Admitted and not on disk: with the closed batch, and with the next.
  std::vector<std::string> closed_;
  std::vector<std::string> open_;
};

} // namespace troupe::broker

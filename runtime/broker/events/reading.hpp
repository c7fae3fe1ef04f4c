#pragma once

#include "runtime/broker/events/bus.hpp"
#include "runtime/broker/events/event_links.hpp"
#include "runtime/broker/events/journal_client.hpp"
#include "runtime/broker/events/pattern_index.hpp"
#include "runtime/shares.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace troupe::broker {

/// The calls of `read`: pages of the journal, and long polls that wait for new events. Confined to
/// the thread of the event service.
class reading {
public:
  /// All of these outlive this. @param bytes_max of the events in an answer.
  reading(
      journal_client& journal,
      const incoming& events,
      const lineage& lives,
      event_links& links,
      std::size_t bytes_max);

  /// @param connection over which the call came.
  /// @param ttl of the call, in milliseconds.
  void read(
      origin from,
      const uuid& id,
      wire::read_events what,
      int connection,
      std::uint32_t ttl,
      instant now);

  bool has_readers() const { return !readers_.empty(); }

  /// These events are on disk: continues the waiting reads for them.
  void written(const std::vector<event_ref>& events, instant now);
  /// Answers the readers whose time is up.
  void tick(instant now);
  /// The connection of this number has ended: its readers wait no longer. They get an empty answer,
  /// since another connection may have the number by now, whose reader then asks again.
  void connection_ended(int connection);

  /// Refuses all readers.
  void give_up(const error& why);

private:
  /// A `read` without an answer yet.
  struct reader {
    origin from{};
    uuid id;
    wire::read_events what;
    int connection = -1;
    /// The bytes of its patterns, as counted in `waiting_`.
    std::size_t bytes = 0;
    std::uint64_t after = 0;
    instant until;
    bool is_asking = false;
    /// The position up to which events were deleted that the caller has not read yet.
    std::uint64_t deleted_to = 0;
  };

  outcome<void> check(origin from, const wire::read_events& what, std::size_t bytes) const;
  void begin(reader made, instant now);
  void read_on(std::uint64_t number, instant now);
  void answer(std::uint64_t number, const events_page& page);
  void forget(std::uint64_t number);

  journal_client& journal_;
  const incoming& incoming_;
  const lineage& lives_;
  event_links& links_;
  std::size_t bytes_max_;
  std::unordered_map<std::uint64_t, reader> readers_;
  pattern_index wanted_; // The patterns that those readers wait for.
  shares waiting_;
  std::vector<std::uint64_t> woken_; // Reused.
  std::uint64_t numbers_ = 0;
};

} // namespace troupe::broker

#pragma once

#include "runtime/broker/events/dead_letters.hpp"
#include "runtime/broker/events/reading.hpp"
#include "runtime/broker/events/scheduled_events.hpp"
#include "runtime/broker/events/topic_states.hpp"

#include <string_view>

namespace troupe::broker {

/// The largest request to `troupe.events`, except `schedule`. Decoding a megabyte of patterns takes
/// as long as a thousand calls; the most and largest patterns of a `read` have half of this.
inline constexpr std::size_t question_bytes_max = std::size_t{32} * 1024;

/// The operations of `troupe.events` (runtime/wire/journal_calls.hpp): decodes each call and passes
/// it to the part that answers it. Confined to the thread of the event service.
class operations {
public:
  /// All of these outlive this. @param bytes_max of the body of an answer.
  operations(
      const clock& time,
      journal_client& journal,
      bus& events,
      event_links& links,
      std::size_t bytes_max);

  /// @param connection over which the call came.
  void call(
      origin from,
      const wire::header_view& header,
      std::string_view body,
      int connection,
      instant now);

  void connection_ended(int connection) { reading_.connection_ended(connection); }

  /// Whether calls wait for new events.
  bool has_readers() const { return reading_.has_readers(); }

  /// A batch is on disk, with these events if there are readers; or it failed, for this reason.
  void written(const std::vector<event_ref>& events, const outcome<void>& how, instant now);

  void tick(instant now) { reading_.tick(now); }

  /// The journal was released: refuses all calls that wait.
  void give_up(const error& why, instant now);

  topic_states& topics() { return topics_; }

  scheduled_events& scheduled() { return scheduled_; }

private:
  void schedule(origin from, const wire::header_view& header, const wire::schedule_event& what);

  const clock& time_;
  incoming& incoming_;
  event_links& links_;
  reading reading_;
  topic_states topics_;
  dead_letters dead_letters_;
  scheduled_events scheduled_;
  std::size_t body_bytes_max_;
};

} // namespace troupe::broker

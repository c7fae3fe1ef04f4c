#pragma once

#include "runtime/broker/events/bus.hpp"
#include "runtime/broker/events/event_links.hpp"
#include "runtime/broker/events/journal_client.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <vector>

namespace troupe::broker {

/// The operators' calls about events that are to be published later: list, show, cancel. Confined
/// to the thread of the event service.
///
/// A cancellation waits until no read of due events is running, and none starts until it is on
/// disk, so that an event is either published or cancelled.
class scheduled_events {
public:
  /// All of these outlive this.
  scheduled_events(
      const clock& time,
      journal_client& journal,
      bus& events,
      event_links& links,
      std::size_t bytes_max)
      : time_{time}, journal_{journal}, incoming_{events.incoming()}, links_{links},
        bytes_max_{bytes_max} {}

  void list(origin from, const uuid& id, const wire::get_scheduled& what, instant now);
  void show(origin from, const uuid& id, const uuid& which, instant now);
  /// The order waits for `carry_out`.
  void cancel(origin from, const uuid& id, const wire::cancel_scheduled& what);

  bool are_waiting() const { return !orders_.empty(); }

  /// Whether cancellations are being carried out, until they are on disk or refused.
  bool is_busy() const;

  /// Carries out all waiting cancellations. No read of due events may be running.
  void carry_out(instant now);

private:
  struct order {
    origin from{};
    uuid id;
    wire::cancel_scheduled what;
  };

  void carry_out(const order& what, const scheduled_event_found& found);
  error why_not(const uuid& which, const scheduled_event_found& found) const;

  const clock& time_;
  journal_client& journal_;
  incoming& incoming_;
  event_links& links_;
  std::size_t bytes_max_;
  std::vector<order> orders_;
  std::size_t looks_ = 0; // Orders whose events the journal is asked for.
};

} // namespace troupe::broker

#pragma once

#include "runtime/broker/events/decisions.hpp"
#include "runtime/broker/events/known_topics.hpp"
#include "runtime/broker/events/recent_publishes.hpp"
#include "runtime/broker/events/waiting_publishers.hpp"
#include "runtime/broker/journal/batch.hpp"
#include "runtime/wire/envelope.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::broker {

/// The event in the message of a publisher or outbox; without position.
std::shared_ptr<event> event_of(const wire::header_view& header, std::string_view body);

/// Bounds of the events that wait for the disk.
struct incoming_options {
  /// The most events of one publisher that may wait.
  std::uint32_t publisher_events_max = 8'192;
  /// The most bytes of all publishers that may wait. One publisher may have as many bytes as are
  /// left for the others, so that there is room for the next one; its only event may have any size.
  /// @source Choudhury and Hahne 1998, "Dynamic queue length thresholds".
  std::size_t pending_events_max = 65'536;
  std::size_t pending_bytes_max = 64U << 20U;
  /// The most topics with events in the journal, or on their way to it. 1 or more.
  std::size_t topics_max = 10'000;
  /// No event gets an earlier time, in milliseconds since 1970.
  std::int64_t earliest_ms = 0;
  /// Whether the journal's database can store a NUL in a text. PostgreSQL cannot: an event with one
  /// in its key would fail its whole batch, and is refused.
  bool keeps_nul = true;
};

/// The part of the outboxes' room for events that wait for an earlier number of their outbox.
constexpr std::size_t early_bytes_max(std::size_t pending_bytes_max) {
  return pending_bytes_max / 4;
}

/// The events on their way to the disk: gives each its position, and answers its publisher when its
/// batch is written. One batch is written at a time; later events are in the next one. Pure.
class incoming {
public:
  incoming(incoming_options options, const journal_state& state);

  /// A client publishes: `header` is that of a call to `troupe.publish`, and its `source` the name
  /// that was proved.
  void publish(
      origin from,
      const wire::header_view& header,
      std::string_view body,
      std::int64_t wall_ms,
      event_decisions& out);

  /// The settled time, in milliseconds since 1970: no event gets an earlier one. A wall clock that
  /// was wrongly set back by days must not make events look old.
  void set_earliest(std::int64_t settled_ms) { options_.earliest_ms = settled_ms; }

  /// Accepts an event whose topic is admitted; it gets the next position.
  void accept(std::shared_ptr<event> what, std::int64_t wall_ms);
  /// A dead letter goes to the capability `to`, which gets events of its topic, as a new event with
  /// the old one's id; the letter is deleted by the same write.
  void retry_dead_letter(const dead_letter& letter, std::string_view to, std::int64_t wall_ms);

  /// Whether dead letters that were retried or deleted are in the journal until a batch is on disk.
  bool has_deletions() const {
    return !next_.rows.dropped.empty() || !writing_.rows.dropped.empty();
  }

  /// Schedules an event, and answers `to` with `body` once the event's batch is on disk, or with
  /// the error if it fails. If its id was published recently, nothing is done: the event has been
  /// due already, and this is a repeat.
  /// @errors `rejected` (too many topics), `conflict` (the id belongs to another event),
  /// `overloaded` (too much waits for the disk): nothing is scheduled, and `to` is not answered.
  outcome<void> schedule(scheduled_event what, origin to, std::string body);

  /// Publishes a scheduled event, unless it was published meanwhile. If another event was published
  /// under its id, it gets an id derived from that, since the schedule was confirmed. False, with
  /// nothing done, while such a publish is on its way to the disk, which may fail: try again.
  bool fire(const scheduled_event& what, std::int64_t wall_ms, event_decisions& out);

  /// The position in the journal of the event with this id, if a client published it recently or it
  /// was scheduled.
  std::optional<std::uint64_t> position_of(const uuid& id) const {
    const recent_publishes::entry* const known = recent_.find(id);
    return known != nullptr && known->position <= last_ ? std::optional{known->position}
                                                        : std::nullopt;
  }

  /// Whether due events are on their way to the disk: until then they are still scheduled, and
  /// would be found due again.
  bool is_firing() const { return !next_.rows.fired.empty() || !writing_.rows.fired.empty(); }

  /// Answers `to` with `body` once all changes requested so far are on disk, or with the error if
  /// they cannot be written.
  void answer_when_written(origin to, const uuid& id, std::string body);

  /// Whether a batch may be written now.
  bool may_write(instant now) const { return !write_.is_under_way && now >= write_.not_before; }

  /// Whether no caller waits for the disk.
  bool is_done() const { return !write_.is_under_way && !has_batch(); }

  /// Whether there is something to write.
  bool has_batch() const { return !next_.rows.empty() || !next_.operators.empty(); }

  /// The next batch, for the rows of outboxes and subscribers.
  journal_batch& next_rows() { return next_.rows; }

  /// Closes the next batch; `written` or `failed` follows, then `end_batch`.
  const journal_batch& take_batch();
  /// The batch has not scheduled these events: answers their callers. Before `written`.
  void not_scheduled(const refused_rows& which, event_decisions& out);
  /// The batch is on disk: answers its waiting callers.
  void written(event_decisions& out);
  /// The batch failed, and nothing of it is on disk: answers its waiting callers.
  void failed(const error& why, instant now, event_decisions& out);
  /// The journal is given up: answers all waiting callers. For the batch being written the effect
  /// is unknown.
  void give_up(const error& why, event_decisions& out);
  /// Forgets the batch. If it was not written, the events behind it move up.
  void end_batch(bool is_written);

  /// The batch that is being written.
  const journal_batch& writing() const { return writing_.rows; }

  /// The journal has forgotten these topics.
  void forget_topics(const std::vector<std::string>& names);

  known_topics& topics() { return topics_; }

  /// The highest position on disk.
  std::uint64_t last() const { return last_; }

  /// Whether an event of an outbox may be accepted. Outboxes have as much room as all publishers,
  /// so that neither blocks the other.
  bool has_room_for_outboxes() const {
    return next_.bytes + writing_.bytes
           < 2 * options_.pending_bytes_max - early_bytes_max(options_.pending_bytes_max);
  }

  /// Events that are accepted and not yet on disk.
  std::size_t pending() const { return next_.rows.events.size() + writing_.rows.events.size(); }

private:
  struct waiting_publisher {
    answer_published what;
    /// The bytes of its event; 0: it repeats one.
    std::size_t bytes = 0;
  };

  struct waiting_operator {
    origin to{};
    uuid id;
    std::string body;
    /// The bytes of the event that it schedules; 0: none.
    std::size_t bytes = 0;
  };

  /// A batch, and its waiting callers.
  struct batch {
    journal_batch rows;
    std::vector<waiting_publisher> publishers;
    std::vector<waiting_operator> operators;
    /// The bytes of its events, including scheduled ones.
    std::size_t bytes = 0;
  };

  outcome<batch*> batch_with(const scheduled_event& what);
  void refuse(origin to, const uuid& id, error why, event_decisions& out);
  outcome<void> admit(origin from, std::size_t bytes);
  void move_up();
  void admit_again();

  incoming_options options_;
  std::uint64_t last_;
  known_topics topics_;
  recent_publishes recent_;
  batch writing_;
  batch next_;

  struct {
    bool is_under_way = false;
    instant not_before{};
    bool has_failed = false; // The last one.
  } write_;

  waiting_publishers waiting_;
};

} // namespace troupe::broker

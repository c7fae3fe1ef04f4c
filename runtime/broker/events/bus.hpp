#pragma once

#include "runtime/broker/events/feeder.hpp"
#include "runtime/broker/events/incoming.hpp"
#include "runtime/broker/events/outbox_intake.hpp"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace troupe::broker {

struct bus_options {
  std::vector<subscription_options> subscriptions;
  incoming_options incoming{};
  /// The rights of capabilities, by which an outbox may publish a topic; null: all.
  std::shared_ptr<const security::rules> rules{};
};

/// The event bus of the broker that keeps the journal: accepts events, lets them be written, and
/// delivers them to the subscribers once they are on disk. Pure: no socket, no clock, no thread, no
/// database.
///
/// An event passes through `incoming` (from clients) or `outbox_intake` and `incoming` (from
/// outboxes), then the journal, then the `feeder`.
class bus {
public:
  /// @param quarantine, cuts outlive this.
  bus(bus_options options,
      journal_state state,
      quarantine& quarantine,
      cut_links& cuts,
      std::uint64_t seed);
  ~bus() = default;
  bus(const bus&) = delete;
  bus& operator=(const bus&) = delete;

  broker::incoming& incoming() { return incoming_; }

  const broker::incoming& incoming() const { return incoming_; }

  broker::feeder& feeder() { return feeder_; }

  const broker::feeder& feeder() const { return feeder_; }

  /// The id of the journal.
  const uuid& instance() const { return instance_; }

  /// The lives of the journal, which say which life wrote which position.
  const lineage& lives() const { return lives_; }

  /// The newest lives of the journal, as ASSIGN names them to workers.
  const std::vector<journal_life>& newest_lives() const { return newest_lives_; }

  void joined(
      login_id login,
      std::string_view node,
      const uuid& incarnation,
      const std::vector<wire::served>& serves,
      instant now,
      event_decisions& out);
  void left(login_id login, bool is_blamed, instant now, event_decisions& out);

  /// A worker announces an outbox.
  void outbox(login_id from, const wire::outbox_state& state, instant now, event_decisions& out);
  /// A worker relays an event of an outbox.
  void relay(
      login_id from,
      const wire::header_view& header,
      std::string_view body,
      std::int64_t wall_ms,
      instant now,
      event_decisions& out);

  /// Whether there is something to write and nothing is being written.
  bool wants_write(instant now) const;
  /// The batch to write next; `written` must follow.
  journal_batch take_batch(instant now);
  /// The batch is on disk, or (false) none of it is.
  void written(const outcome<void>& how, instant now, event_decisions& out);
  /// The journal has forgotten these topics.
  void forget_topics(const std::vector<std::string>& names);
  /// Called about every 10 ms; also gives the time of day.
  void tick(instant now, std::int64_t wall_ms, event_decisions& out);

private:
  void take(std::int64_t wall_ms, event_decisions& out);

  uuid instance_;
  lineage lives_;
  std::vector<journal_life> newest_lives_;
  broker::incoming incoming_;
  outbox_intake outboxes_;
  outbox_intake::decisions outbox_decisions_; // Reused.
  broker::feeder feeder_;
};

} // namespace troupe::broker

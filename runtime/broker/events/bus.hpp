#pragma once

#include "runtime/broker/calls/router.hpp"
#include "runtime/broker/events/group/subscriber.hpp"
#include "runtime/broker/events/known_topics.hpp"
#include "runtime/broker/events/outbox_intake.hpp"
#include "runtime/broker/events/recent_publishes.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/events.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tsl/robin_map.h>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::broker {

struct subscription_options {
  std::string capability;
  std::vector<std::string> patterns;
  milliseconds backoff_min{100};
  milliseconds backoff_max{30'000};
  /// Where it begins if it is new to the journal: above this position.
  std::uint64_t start = 0;
};

struct bus_options {
  std::vector<subscription_options> subscriptions;
  /// What one publisher may have waiting for the disk.
  std::uint32_t publisher_events_max = 8'192;
  /// What all may have.
  std::size_t pending_events_max = 65'536;
  std::size_t pending_bytes_max = 64U << 20U;
  /// Topics that the journal has events of, or will have. 1 or more.
  std::size_t topics_max = 10'000;
};

/// Tell a publisher where its event is.
struct answer_published {
  origin to;
  uuid id;
  std::uint64_t position = 0;
  bool is_repeat = false;
};

/// Answer an operator's call: what it asked for is on disk.
struct answer_written {
  origin to;
  uuid id;
  std::string body;
};

struct refuse_published {
  origin to;
  uuid id;
  std::uint32_t error = 0;
};

/// Do what a group decided.
struct of_group {
  std::uint32_t group = 0;
  group_action what;
};

/// Read up to `count` events above `after` that match the group's patterns.
struct read_for_group {
  std::uint32_t group = 0;
  std::uint64_t after = 0;
  std::size_t count = 0;
};

using bus_action = std::variant<
    answer_published,
    answer_written,
    refuse_published,
    outbox_intake::confirm,
    outbox_intake::ask,
    of_group,
    read_for_group>;

/// What the bus decided about one input. Reused; carried out in order, before the next input.
struct bus_decisions {
  std::vector<bus_action> actions;
  std::vector<error> errors;
  std::vector<log_event> events;

  void clear() {
    actions.clear();
    errors.clear();
    events.clear();
  }
};

/// The event bus of the broker that keeps the journal: takes events in, has them written, and
/// gives them to the groups that subscribe. Pure: no socket, no clock, no thread, no database.
///
/// One batch is written at a time; what comes meanwhile is in the next. An event is given to groups
/// when it is on disk, and not before.
class bus {
public:
  bus(bus_options options, journal_state state, std::uint64_t seed);
  ~bus() = default;
  bus(const bus&) = delete;
  bus& operator=(const bus&) = delete;

  /// A client publishes: `header` is that of a call to `troupe.publish`.
  void publish(
      origin from,
      const wire::header_view& header,
      std::string_view body,
      std::int64_t wall_ms,
      bus_decisions& out);
  /// A dead letter goes back to its capability, as a new event with the old one's id; its letter
  /// goes with the same write.
  void retry(const dead_letter& letter, std::int64_t wall_ms);

  /// Deletes a dead letter.
  void exhume(const uuid& letter) { pending_.dropped.push_back(letter); }

  /// Whether letters that were retried or deleted are in the journal until a batch is on disk.
  bool is_exhuming() const { return !pending_.dropped.empty() || !writing_.dropped.empty(); }

  /// One whose id is that of an event published lately is done: it was due, and this is a repeat.
  /// @errors `rejected` (there are too many topics), `conflict` (that was another event): nothing
  /// is scheduled.
  outcome<void> schedule(scheduled_event what);

  /// Publishes a scheduled event, unless it was published meanwhile. False, with nothing done,
  /// while such a publish is on its way to the disk, which may fail: ask again.
  bool fire(const scheduled_event& what, std::int64_t wall_ms);

  /// Whether events that were fired are on their way to the disk: until they are there they are
  /// scheduled, too, and would be found due once more.
  bool is_firing() const { return !pending_.fired.empty() || !writing_.fired.empty(); }

  /// Once all that was asked for so far is on disk, `to` is answered with `body`; if it cannot be
  /// written, with the error.
  void answer_when_written(origin to, const uuid& id, std::string body);

  void outbox(login_id from, const wire::outbox_state& state, instant now, bus_decisions& out);
  void relay(
      login_id from,
      const wire::header_view& header,
      std::string_view body,
      std::int64_t wall_ms,
      instant now,
      bus_decisions& out);

  /// Whether there is something to write and nothing is being written.
  bool wants_write(instant now) const;
  /// What to write next; `written` has to follow.
  journal_batch take_batch(instant now);
  /// The batch is on disk, or none of it is.
  void written(const outcome<void>& how, instant now, bus_decisions& out);
  /// Answers `read_for_group`: the events found, and how far was looked.
  void read(
      std::uint32_t group,
      const std::vector<event_ref>& found,
      std::uint64_t looked_to,
      instant now,
      bus_decisions& out);

  /// It could not be read; it will be asked for again.
  void read_failed(std::uint32_t group) { groups_[group].is_reading = false; }

  void fetched(
      std::uint32_t group,
      const std::vector<event_ref>& found,
      const std::vector<std::uint64_t>& missing,
      instant now,
      bus_decisions& out);

  void joined(
      login_id login,
      std::string_view node,
      const uuid& incarnation,
      const std::vector<wire::served>& serves,
      instant now,
      bus_decisions& out);
  void left(login_id login, bool is_blamed, instant now, bus_decisions& out);
  void state(login_id login, const wire::state& state, instant now, bus_decisions& out);
  void assigned(login_id from, const wire::assigned& what, instant now, bus_decisions& out);
  void handled(login_id from, const wire::handled& what, instant now, bus_decisions& out);
  /// The journal has forgotten these topics.
  void forget_topics(const std::vector<std::string>& names);
  /// The worker whose node is to be kept free, of calls too; tell when it is (`node_is_idle`).
  std::optional<login_id> isolated() const;
  /// Its node has no call in hand any more.
  void node_is_idle(login_id whom, instant now, bus_decisions& out);
  /// Every 10 ms or so; also tells what time of day it is.
  void tick(instant now, std::int64_t wall_ms, bus_decisions& out);

  std::uint64_t last() const { return last_; }

  /// The batch that was written has not scheduled these, whose ids are those of others: who asked
  /// is told so. Before `written`.
  void clashed(const std::vector<uuid>& ids, bus_decisions& out);

  /// The batch that is being written.
  const journal_batch& writing() const { return writing_; }

  /// Of the journal.
  const uuid& instance() const { return instance_; }

  std::size_t groups() const { return groups_.size(); }

  const subscriber& group(std::uint32_t index) const { return *groups_[index].core; }

  const std::vector<std::string>& patterns(std::uint32_t index) const {
    return groups_[index].patterns;
  }

  /// What is accepted and not on disk.
  std::size_t pending() const { return pending_.events.size() + writing_.events.size(); }

private:
  /// A group and how it is fed.
  struct fed_group {
    std::unique_ptr<subscriber> core;
    std::vector<std::string> patterns;
    /// It has been offered all that is in the journal: new events go straight to it.
    bool is_live = true;
    bool is_reading = false;
    std::uint64_t reading_above = 0;
    /// The journal has no cursor of it yet.
    bool is_new = false;
    /// What the journal has of it.
    cursor_row persisted;
  };

  struct waiting_operator {
    origin to;
    uuid id;
    std::string body;
  };

  struct waiting_publisher {
    origin to;
    uuid id;
    std::uint64_t position = 0;
    bool is_repeat = false;
  };

  /// A worker that a group wants for itself, to send it one suspect.
  struct isolation {
    std::uint32_t group = 0;
    login_id whom{nowhere};
    bool is_told = false;
  };

  void refuse(origin to, const uuid& id, error why, bus_decisions& out);
  bool admits(origin from, const uuid& id, bus_decisions& out);
  void accept(std::shared_ptr<event> what, std::int64_t wall_ms);
  void take(outbox_intake::decisions& from, std::int64_t wall_ms, bus_decisions& out);
  void failed(const error& why, instant now, bus_decisions& out);
  void move_up();
  void admit_again();
  bool is_isolated(login_id whom) const;
  void release(origin whom);
  void add_cursors(journal_batch& batch);

  // bus_groups.cpp
  const std::vector<std::uint32_t>& groups_of(const std::string& topic);
  std::uint32_t group_named(std::string_view capability) const;
  void give_to_groups(const std::vector<event_ref>& events, instant now, bus_decisions& out);
  void offer(std::uint32_t index, const event_ref& what, instant now, bus_decisions& out);
  void feed(std::uint32_t index, bus_decisions& out);
  void carry(std::uint32_t index, instant now, bus_decisions& out);
  void add_letter(bury& grave, instant now);
  static std::uint32_t credit_of(const wire::served& served, bool is_draining);
  void begin_isolation(instant now, bus_decisions& out);
  void end_isolation(std::uint32_t index, login_id whom, instant now, bus_decisions& out);
  void keep_free(const isolation& what, bool is_free, instant now, bus_decisions& out);

  bus_options options_;
  uuid instance_;
  std::uint64_t last_ = 0;
  std::vector<fed_group> groups_;
  tsl::robin_map<std::string, std::vector<std::uint32_t>> groups_of_topic_;
  known_topics topics_;
  outbox_intake outboxes_;
  outbox_intake::decisions taken_;
  recent_publishes recent_;
  group_decisions decided_;

  // The batch that is being written, and the next.
  journal_batch writing_;
  journal_batch pending_;
  bool is_writing_ = false;
  std::size_t pending_bytes_ = 0;
  std::vector<waiting_publisher> writing_publishers_;
  std::vector<waiting_publisher> pending_publishers_;
  std::vector<waiting_operator> writing_operators_;
  std::vector<waiting_operator> pending_operators_;
  tsl::robin_map<std::uint64_t, std::uint32_t> waiting_of_;
  // Civil time minus the other clock's, in milliseconds.
  std::int64_t wall_offset_ = 0;
  // Events each worker may have of each group, as it last said.
  std::map<std::pair<std::uint32_t, login_id>, std::uint32_t> credits_;
  bool are_cursors_dirty_ = false;
  std::deque<isolation> isolations_; // The first is under way.
  instant cursors_at_{};
  instant retry_at_{};
};

} // namespace troupe::broker

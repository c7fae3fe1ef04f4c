#pragma once

#include "runtime/broker/events/group/subscriber.hpp"
#include "runtime/broker/journal/batch.hpp"
#include "runtime/secret_hash.hpp"
#include "runtime/wire/departure.hpp"
#include "runtime/wire/login.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tsl/robin_map.h>
#include <utility>
#include <vector>

namespace troupe::broker {

struct subscription_options {
  std::string capability;
  std::vector<std::string> patterns;
  /// Whether the capability has a database.
  bool has_store = true;
  backoff_range backoff{};
  /// The position after which a subscriber begins that is new to the journal.
  std::uint64_t start = 0;
  /// The window of events that it may have in memory.
  event_window window{};
  /// The largest body of an event that a worker can be sent.
  std::size_t body_bytes_max = wire::carried_bytes_max(wire::body_bytes_max);
};

/// Feeds the subscribers: offers them the events on disk, reads the journal for those that are
/// behind, passes on the messages of their workers, and writes their dead letters and cursors.
/// Pure.
///
/// While the quarantine keeps a node free, only the subscriber that requested it sends events
/// there.
class feeder {
public:
  feeder(
      const std::vector<subscription_options>& subscriptions,
      const journal_state& state,
      quarantine& quarantine,
      cut_links& cuts,
      std::uint64_t seed);

  /// Takes its suspects out of the quarantine, before its end.
  void leave_quarantine();

  std::size_t size() const { return fed_.size(); }

  const subscriber& operator[](std::uint32_t index) const { return *fed_[index].core; }

  /// Whether this capability is a subscriber that gets events of the topic.
  bool has_taker(std::string_view capability, std::string_view topic) const;

  /// Whether a database may tell of this event as dead after the next start of a broker, and the
  /// cursors on disk would not say that its letter was there.
  bool may_be_told_again(const dead_letter& letter) const;

  void joined(
      login_id login,
      std::string_view node,
      const uuid& incarnation,
      const std::vector<wire::served>& serves,
      instant now,
      event_decisions& out);
  void left(login_id login, bool is_blamed, instant now, event_decisions& out);
  void state(login_id login, const wire::state& state, instant now, event_decisions& out);
  void assigned(login_id from, const wire::assigned& what, instant now, event_decisions& out);
  void handled(login_id from, const wire::handled& what, instant now, event_decisions& out);

  /// Answers `read_journal`: the events found, and the last position read.
  void read(
      std::uint32_t index,
      const std::vector<event_ref>& found,
      std::uint64_t looked_to,
      instant now,
      event_decisions& out);

  /// The journal could not be read; it will be asked again.
  void read_failed(std::uint32_t index) { fed_[index].is_reading = false; }

  /// Answers `fetch_events`.
  void fetched(
      std::uint32_t index,
      const std::vector<event_ref>& found,
      const std::vector<std::uint64_t>& missing,
      instant now,
      event_decisions& out);

  /// Whether dead letters, or cursors after a while, must be written.
  bool wants_write(instant now) const;
  /// Adds its rows to the batch that is written next.
  void add_rows(journal_batch& batch, instant now);
  /// The batch is on disk: its events may be delivered.
  void written(const journal_batch& batch, instant now, event_decisions& out);
  /// The batch is not on disk: its dead letters and cursors will be in the next.
  void write_failed(const journal_batch& batch);
  /// Retention has deleted these events.
  void deleted(const std::vector<topic_deletion>& what);
  /// The journal has forgotten these topics.
  void forget_topics(const std::vector<std::string>& names);

  /// The quarantine has changed: sends no events to the node that is kept free now.
  void follow_quarantine(instant now, event_decisions& out);
  /// Called about every 10 ms; also gives the time of day.
  void tick(instant now, std::int64_t wall_ms, event_decisions& out);

private:
  struct fed_subscriber {
    std::unique_ptr<subscriber> core;
    /// Whether it has been offered all events of the journal: new events go directly to it.
    bool is_live = true;
    bool is_reading = false;
    std::uint64_t reading_above = 0;
    /// The journal has no cursor of it yet.
    bool is_new = false;
    /// The position up to which retention has deleted events that it subscribes to.
    std::shared_ptr<std::uint64_t> deleted_to = std::make_shared<std::uint64_t>(0);
    /// Its cursor in the journal.
    cursor_row persisted;
  };

  const std::vector<std::uint32_t>& takers_of(const std::string& topic);
  std::uint32_t index_of(std::string_view capability) const;
  void offer(std::uint32_t index, const event_ref& what, instant now, event_decisions& out);
  void feed(std::uint32_t index, event_decisions& out);
  void take_dead_letters(instant now, event_decisions& out);
  std::uint32_t allowed(std::uint32_t index, login_id whom, std::uint32_t credit) const;
  void report_emptied();

  quarantine& quarantine_;
  std::vector<fed_subscriber> fed_;
  tsl::robin_map<std::string, std::vector<std::uint32_t>, secret_hash, std::equal_to<>> takers_;
  // Events that each worker may have of each subscriber, as last reported.
  std::map<std::pair<std::uint32_t, login_id>, std::uint32_t> credits_;
  login_id kept_free_{nowhere};           // The node in quarantine when it was last followed.
  std::uint64_t followed_ = 0;            // The quarantine's `changes` when it was last followed.
  std::vector<dead_letter> dead_letters_; // The dead letters to be written.
  std::uint64_t last_ = 0;                // The last position in the journal.
  std::int64_t wall_offset_ = 0;          // Civil time minus the other clock's, in milliseconds.
  bool are_cursors_dirty_ = false;
  instant cursors_at_{};
};

} // namespace troupe::broker

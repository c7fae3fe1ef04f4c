#pragma once

#include "runtime/broker/events/decisions.hpp"
#include "runtime/broker/events/known_topics.hpp"
#include "runtime/broker/journal/batch.hpp"
#include "runtime/broker/journal/event.hpp"
#include "runtime/clock.hpp"
#include "runtime/security/rules.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::broker {

/// Takes the events of outboxes in the order of their numbers, each once, whichever worker relays
/// them. Pure.
///
/// A number is `accepted` when the one before it was; it is `taken` when it is in the journal. An
/// event that arrives early waits; missing numbers are requested.
/// @source runtime/wire/FORMAT.md, "Outboxes".
class outbox_intake {
public:
  struct decisions : decided<event_action> {
    /// The events to be journaled, in this order.
    std::vector<std::shared_ptr<event>> accepted;

    void clear() {
      decided::clear();
      accepted.clear();
    }
  };

  /// @param topics the topics of the journal, to which accepted events add theirs; outlives this.
  /// @param rules the topics that each capability may publish; null: all.
  /// @param early_bytes_max of events that wait for an earlier number, of all outboxes together.
  /// @param keeps_nul `incoming_options::keeps_nul`.
  explicit outbox_intake(
      known_topics& topics,
      std::shared_ptr<const security::rules> rules = nullptr,
      std::size_t early_bytes_max = std::size_t{16} << 20U,
      bool keeps_nul = true)
      : topics_{topics}, rules_{std::move(rules)}, early_bytes_max_{early_bytes_max},
        keeps_nul_{keeps_nul} {}

  /// @param rewound events that are in the journal, and must not be taken again.
  void restore(std::vector<source_row> rows, const std::vector<rewound_event>& rewound = {});

  /// A worker logged in. It reads its outboxes after that, so they must have the events taken so
  /// far; events that others relay in the meantime may be missing.
  void joined(login_id whom);
  /// OUTBOX: this worker has that outbox.
  void announced(login_id from, const wire::outbox_state& state, instant now, decisions& out);
  void left(login_id whom);

  /// RELAY: an event of an outbox. `what` has no position; its `source` names the outbox. False,
  /// and it is dropped, if this worker announced no such outbox.
  ///
  /// @param has_room whether one more event may wait for the disk; else this one is requested
  /// later.
  bool relayed(
      login_id from,
      std::uint64_t seq,
      std::shared_ptr<event> what,
      bool has_room,
      instant now,
      decisions& out);

  /// Adds the rows of the events accepted so far; called when a batch is closed.
  void close_batch(std::vector<source_row>& rows);
  /// The closed batch is in the journal, or (false) none of it is: then the caller also drops the
  /// events accepted since, which will be requested again.
  void written(bool is_good, instant now, decisions& out);
  /// Requests missing numbers again. Called about every 10 ms.
  void tick(instant now, decisions& out);

  /// Whether numbers were accepted whose events are in the journal already: their rows need a
  /// batch, even without events.
  bool has_passed_over() const { return has_passed_over_; }

  /// Events that wait for an earlier one.
  std::size_t early() const;

private:
  /// The number up to which an outbox was taken at some moment.
  struct taken_at {
    uuid instance;
    std::uint64_t taken = 0;
    uuid taken_id;
  };

  /// The progress of the outbox of one database.
  struct progress {
    uuid instance{};
    /// The last number in the journal. The position is unknown for events that an earlier life of
    /// the broker took.
    std::uint64_t taken = 0;
    uuid taken_id{};
    std::uint64_t taken_position = 0;
    /// Sums of digests (`source_row`).
    std::uint64_t taken_digest = 0;
    std::uint64_t closed_digest = 0;
    std::uint64_t accepted_digest = 0;
    std::uint64_t digest_from = 0;
    /// The last number in the batch that is being written.
    std::uint64_t closed = 0;
    uuid closed_id{};
    std::shared_ptr<const event> closed_event{};
    /// The last number in the batch that is being filled.
    std::uint64_t accepted = 0;
    uuid accepted_id{};
    /// The event; null if it was in the journal already. It gets its position later.
    std::shared_ptr<const event> accepted_event{};

    /// Adds the row for the batch being closed, if it has events of this outbox.
    void close(const std::string& capability, std::vector<source_row>& rows);
    /// The closed batch is in the journal. False if it has no events of this outbox.
    bool confirm();
    /// No event above `taken` is in the journal or on its way. False if none was.
    bool take_back();
  };

  struct source : progress {
    /// Its number when it was first announced in this life of the broker.
    taken_at begun;
    /// The highest known number.
    std::uint64_t newest = 0;
    std::map<std::uint64_t, std::shared_ptr<event>> early;
    std::size_t early_bytes = 0;
    std::vector<login_id> workers;
    std::size_t next_worker = 0;
    instant asked_at{};
    std::uint32_t asked = 0;
    /// Events taken under numbers that this outbox uses again; null: none.
    const std::set<uuid>* rewound = nullptr;
    /// The reason why nothing more is accepted; empty if there is none.
    std::string refused;
    /// Whether the reason concerns only the next event, not the outbox.
    bool waits_at_event = false;
    /// The topic of the next event, if it exceeds the limit of topics; else empty.
    std::string no_room_for;
  };

  // The limits of one outbox: this many events, and no more once they have this many bytes, or as
  // many as are left for the others.
  static constexpr std::size_t early_max = 8'192;
  static constexpr std::size_t early_bytes_of_one_max = std::size_t{8} << 20U;

  struct past_database {
    std::string capability;
    progress outbox;
  };

  void set_aside(const std::string& capability, const progress& outbox);
  static void count_in(source& whose, const uuid& id, std::shared_ptr<const event> what);
  void begin(source& whose, const wire::outbox_state& state, decisions& out);
  taken_at least_of(login_id whom, const wire::outbox_state& state, const source& whose) const;
  bool accept(const std::string& name, source& whose, std::shared_ptr<event> what, decisions& out);
  void refuse(const std::string& name, source& whose, std::string why, decisions& out);
  bool wait_at_event(source& whose);
  static void go_on(source& whose);
  void take_early(const std::string& name, source& whose, decisions& out);
  bool has_room_for_early(const source& whose) const;
  void forget_early(source& whose);
  void ask_for_missing(const std::string& name, source& whose, instant now, decisions& out);
  static wire::confirmed confirmed_of(const std::string& name, const source& whose);
  void confirm_all(const std::string& name, const source& whose, decisions& out);

  known_topics& topics_;
  const std::shared_ptr<const security::rules> rules_;
  const std::size_t early_bytes_max_;
  const bool keeps_nul_;
  std::size_t early_bytes_ = 0;
  // The ids of events taken under numbers that are used again, by capability and database.
  std::map<std::pair<std::string, uuid>, std::set<uuid>> rewound_;
  bool has_passed_over_ = false;
  // The databases that no worker has announced since, one entry each. Their events may still be on
  // their way to the journal.
  std::vector<past_database> past_;
  std::map<std::string, source, std::less<>> sources_;
  // The number up to which each outbox was taken when a worker logged in.
  std::map<login_id, std::map<std::string, taken_at, std::less<>>> at_login_;
};

} // namespace troupe::broker

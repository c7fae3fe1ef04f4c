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
/// event that comes early waits; numbers that do not come are asked for.
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

  /// @param topics those of the journal, to which accepted events add theirs; outlives this.
  /// @param rules which topics each capability may publish; null: all.
  /// @param early_bytes_max of what waits for an earlier number, of all outboxes together.
  /// @param keeps_nul `incoming_options::keeps_nul`.
  explicit outbox_intake(
      known_topics& topics,
      std::shared_ptr<const security::rules> rules = nullptr,
      std::size_t early_bytes_max = std::size_t{16} << 20U,
      bool keeps_nul = true)
      : topics_{topics}, rules_{std::move(rules)}, early_bytes_max_{early_bytes_max},
        keeps_nul_{keeps_nul} {}

  /// @param rewound events that are in the journal, and not to be taken again.
  void restore(std::vector<source_row> rows, const std::vector<rewound_event>& rewound = {});

  /// A worker logged in. It reads its outboxes after that, so the events that were taken of them by
  /// now must be there; events that others relay in the meantime need not.
  void joined(login_id whom);
  /// OUTBOX: this worker has that outbox.
  void announced(login_id from, const wire::outbox_state& state, instant now, decisions& out);
  void left(login_id whom);

  /// RELAY. `what` is without position; its `source` says which outbox it comes from. False, and
  /// it is dropped, if this worker announced no such outbox.
  ///
  /// @param has_room whether one more event may wait for the disk; else this one is asked for
  /// later.
  bool relayed(
      login_id from,
      std::uint64_t seq,
      std::shared_ptr<event> what,
      bool has_room,
      instant now,
      decisions& out);

  /// Adds the rows that go with the events accepted so far: call when a batch is closed.
  void close_batch(std::vector<source_row>& rows);
  /// The batch closed before is in the journal, or (false) none of it is: then the caller also
  /// drops the events accepted since, which will be asked for again.
  void written(bool is_good, instant now, decisions& out);
  /// Asks again for numbers that are missing. Every 10 ms or so.
  void tick(instant now, decisions& out);

  /// Whether numbers were accepted whose events are in the journal already: a batch that may have
  /// no event has to say so.
  bool has_passed_over() const { return has_passed_over_; }

  /// Events that wait for an earlier one.
  std::size_t early() const;

private:
  /// The place up to which an outbox was taken at some moment.
  struct taken_at {
    uuid instance;
    std::uint64_t taken = 0;
    uuid taken_id;
  };

  /// The progress of the outbox of one database.
  struct progress {
    uuid instance{};
    /// The last number in the journal. The position is not known of what an earlier life of the
    /// broker took.
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

    /// Adds the row for the batch that is closed now, if it has events of this outbox.
    void close(const std::string& capability, std::vector<source_row>& rows);
    /// The batch closed before is in the journal. False if it has no events of this outbox.
    bool confirm();
    /// No event above `taken` is in the journal or on its way. False if none was.
    bool take_back();
  };

  struct source : progress {
    /// The place where it was when it was first announced in this life of the broker.
    taken_at begun;
    /// The highest number heard of.
    std::uint64_t newest = 0;
    std::map<std::uint64_t, std::shared_ptr<event>> early;
    std::size_t early_bytes = 0;
    std::vector<login_id> workers;
    std::size_t next_worker = 0;
    instant asked_at{};
    std::uint32_t asked = 0;
    /// Events that were taken under numbers which this outbox gives again; null: none.
    const std::set<uuid>* rewound = nullptr;
    /// The reason why nothing more is taken; empty while all is well.
    std::string refused;
    /// Whether that is about the next event alone, and not about the outbox.
    bool waits_at_event = false;
    /// The topic of the next event, if there is no room for one more topic; else empty.
    std::string no_room_for;
  };

  // Of one outbox: so many events, and no more once they have so many bytes, or as many as are left
  // for the others.
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
  // The ids of events taken under numbers that are given again, by capability and database.
  std::map<std::pair<std::string, uuid>, std::set<uuid>> rewound_;
  bool has_passed_over_ = false;
  // The databases that nobody has announced since, one entry each. Events of theirs may still be on
  // their way to the journal.
  std::vector<past_database> past_;
  std::map<std::string, source, std::less<>> sources_;
  // The place up to which each was taken when a worker logged in.
  std::map<login_id, std::map<std::string, taken_at, std::less<>>> at_login_;
};

} // namespace troupe::broker

#pragma once

#include "runtime/calls/journal_links.hpp"
#include "runtime/calls/timer_wheel.hpp"
#include "runtime/clock.hpp"
#include "runtime/error.hpp"
#include "runtime/ids.hpp"
#include "runtime/secret_hash.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tsl/robin_map.h>
#include <vector>

namespace troupe::calls {

/// A caller's outstanding calls: each ends exactly once, by an answer or by its deadline, and is
/// sent again under its id when the link that carried it is lost.
///
/// Pure: no socket, no clock. Confined to one thread. The caller bounds the number of calls.
/// Buffers of small calls are kept for the next ones, so that nothing is allocated in steady state.
class pending_calls {
public:
  struct new_call {
    uuid id;
    /// The encoded header; `ttl_at` is the place of its ttl (`header_view::ttl_at`).
    std::string_view header;
    std::uint32_t ttl_at = 0;
    std::string_view body;
    instant deadline;
    /// The caller's own number for the call, returned when the call ends.
    std::uint64_t token = 0;
    /// The kind of token, if the caller has several.
    std::uint8_t flags = 0;
    /// Whether the call is for the broker that keeps the journal, and goes there while that link is
    /// up.
    bool wants_journal = false;
  };

  /// A call that is no longer outstanding.
  struct ended {
    uuid id;
    std::uint64_t token = 0;
    std::uint8_t flags = 0;
    /// Whether the call was sent at least once without an answer to that transmission: it may have
    /// been carried out, whatever the answer to another one says.
    bool is_loose = false;
    /// The number of times that the call was answered by "try again later".
    std::uint32_t retries = 0;
  };

  /// An envelope to send now. The views end with the next change of the table.
  struct outgoing {
    int link = 0;
    std::string_view header;
    std::string_view body;
  };

  /// @param links the number of links; all are down.
  pending_calls(int links, instant now);

  std::size_t size() const { return slot_of_.size(); }

  /// The link to send on: the same one until it is lost, then the next that is up. -1: none is up.
  int link() const { return current_; }

  /// The link to the broker that keeps the journal. -1: it is not up.
  int journal_link() const { return journal_.link(); }

  /// Adds a call, to be fetched by `next_to_send`. False, and nothing changed, if its id is
  /// outstanding already.
  bool add(const new_call& given);

  /// Adds a call that the caller itself sends on `link()`, which must not be -1.
  bool add_sent(const new_call& given);

  /// Assigns the outstanding call with `given.id` to another asker: the token and deadline of
  /// `given`. The answer to the call already sent is its answer.
  /// @return false, and nothing changed, if none is outstanding, or if its request differs in
  /// header (except the ttl) or body.
  bool adopt(const new_call& given);

  /// The ttl to send a call with: a little less than the time left until `deadline`, so that the
  /// broker, which knows whether the call was begun, answers before the caller gives up. 1 at
  /// least.
  static std::uint32_t ttl_of(instant deadline, instant now);

  /// The next call to send, oldest first, with `ttl_of` in its header. False if there is none, or
  /// if no link is up: the calls wait for one.
  bool next_to_send(instant now, outgoing& out);

  /// Ends an answered call. Nothing if it is not outstanding (a late or unknown answer).
  std::optional<ended> answered(const uuid& id);

  /// The result that `answered` would return, without ending the call.
  std::optional<ended> find(const uuid& id) const;

  /// Sends a call that was answered "try again later" again at `when`, under its id. False, and
  /// nothing changed, if the call is not outstanding or its deadline comes first.
  ///
  /// @param possible whether the refused transmission may have been carried out: then the call
  /// stays loose.
  bool retry(const uuid& id, instant when, effect possible);

  /// Ends the calls whose deadline has passed, and appends them to `into`; calls whose time of
  /// `retry` has come are returned by `next_to_send`. At most a millisecond late.
  void expire(instant now, std::vector<ended>& into);

  /// The time at which `expire` should be called; may be too early, never more than a millisecond
  /// late.
  instant next_due() const { return wheel_.next_due(); }

  /// @param said the broker's WELCOME.
  void link_up(int link, const wire::welcome& said = {});
  /// A broker reports where the journal is now. Unanswered calls for the journal that were sent
  /// elsewhere are sent again.
  void told(int link, const wire::welcome& said);
  /// Unanswered calls that were sent on this link are sent again.
  void link_lost(int link);

  /// Ends all calls.
  void end_all(std::vector<ended>& into);

private:
  enum class place : std::uint8_t { free, to_send, sent, waiting };

  struct slot {
    uuid id;
    instant deadline{};
    instant retry_at{};
    std::uint64_t token = 0;
    /// The order of sending: rises with every call added.
    std::uint64_t number = 0;
    std::string bytes; // Header, then body.
    std::uint32_t header_size = 0;
    std::uint32_t ttl_at = 0;
    std::uint32_t sends_open = 0;
    std::uint32_t retries = 0;
    std::uint32_t next = none; // The next one in the list of calls to be sent.
    std::uint32_t previous = none;
    std::int16_t link = -1;
    std::uint8_t flags = 0;
    bool wants_journal = false;
    place at = place::free;
  };

  static constexpr std::uint32_t none = timer_wheel::none;

  std::uint32_t take_slot(const new_call& given);
  ended end(std::uint32_t index);
  static bool is_same_request(const slot& call, const new_call& given);
  static ended describe(const slot& call, std::uint32_t answered);
  void enqueue(std::uint32_t index);
  void follow_journal();
  template <class Condition>
  void enqueue_sent(const Condition& is_lost);
  void dequeue(std::uint32_t index);

  std::vector<slot> slots_;
  std::vector<std::uint32_t> free_;
  tsl::robin_map<uuid, std::uint32_t, secret_hash> slot_of_;
  timer_wheel wheel_;
  std::vector<std::uint32_t> due_; // Reused by `expire`.
  std::vector<bool> is_up_;
  std::uint64_t added_ = 0;
  std::uint32_t first_ = none;
  std::uint32_t last_ = none;
  int current_ = -1;
  journal_links journal_;
};

} // namespace troupe::calls

#pragma once

#include "runtime/broker/quarantine.hpp"
#include "runtime/wire/limits.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <tsl/robin_map.h>
#include <vector>

namespace troupe::broker {

/// A body above this makes a frame larger than those that every peer has to take.
inline constexpr std::size_t cutting_bytes_least = wire::control_bytes_max;
/// A link that ends so soon after it was sent a message may have been cut by it.
inline constexpr std::chrono::seconds cut_within{1};
/// After so many cuts the message is not sent again.
inline constexpr std::uint8_t cuts_convicted = 3;

/// Why a message is set aside. @param what "call" or "event".
std::string cut_words(std::string_view what, std::string_view node, std::size_t bytes);

/// Finds out which message cuts the links of a worker. A peer that takes smaller frames than it is
/// sent cuts its link (ZMQ_MAXMSGSIZE), logs in anew, and would be sent the same again. ZeroMQ says
/// of no link why it ended.
///
/// A link that was cut for size has taken nothing as large as what cut it, whoever sent it: of all
/// calls and events that a login was sent, and has not been seen to have, the largest one is too
/// large. It alone is blamed; when three links in a row ended soon after they were sent it, it is
/// not sent again. Messages arrive in the order in which they were sent: an answer to one says
/// that the worker has those before it, too.
///
/// Pure; router and bus of one broker share one object, on one thread, as they do the quarantine.
class cut_links {
public:
  /// A message that a worker was sent: a call, or an event of a subscriber.
  struct message {
    suspect_of whose = suspect_of::calls;
    uuid id;
    /// Of an event.
    std::uint32_t partition = 0;
    std::uint64_t position = 0;
    std::size_t bytes = 0;

    bool is_same(const message& other) const {
      return whose == other.whose && id == other.id && position == other.position;
    }
  };

  /// A worker is sent a message, behind all that it was sent before.
  /// @param what `bytes` are those of its body.
  void sent(login_id to, const message& what, instant now) {
    if (what.bytes > cutting_bytes_least || !links_.empty()) {
      note(to, what, now);
    }
  }

  /// The worker has said something about a call that it was sent.
  void answered(login_id by, const uuid& call);
  /// ... about the events of a partition at these positions.
  void answered(
      login_id by,
      suspect_of whose,
      std::uint32_t partition,
      std::uint64_t first,
      std::uint64_t last);

  /// The login is over, and its link was not cut by what it was sent.
  void closed(login_id whose) { links_.erase(static_cast<std::uint32_t>(whose)); }

  /// The link of the login has ended.
  void ended(login_id whose, const uuid& incarnation, instant now);

  /// The process logs in again: only its link had ended.
  /// @param in_hand the calls that it has.
  void came_back(const uuid& incarnation, const std::vector<uuid>& in_hand);

  /// The message that is not to be sent again, if the process that has come back last cut its link
  /// with one of these once too often.
  std::optional<message> too_large(suspect_of whose) const;
  /// That message was set aside.
  void set_aside();

private:
  /// Processes that may come back, and messages that have cut links.
  static constexpr std::size_t remembered_max = 64;
  /// Messages behind a large one whose answers are looked at.
  static constexpr std::size_t followers_max = 32;

  struct sent_message {
    message what;
    instant at;
  };

  struct departure {
    uuid incarnation;
    message largest;
  };

  struct cuts {
    message what;
    std::uint8_t count = 0;
  };

  /// What a login was sent and is not known to have, in order: a large one first.
  using link = std::vector<sent_message>;

  void note(login_id to, const message& what, instant now);
  template <class IsIt>
  void take(login_id by, const IsIt& is_it);
  void acquit(const message& what);
  std::deque<cuts>::iterator find(const message& what);

  tsl::robin_map<std::uint32_t, link> links_;
  std::deque<departure> departed_;
  std::deque<cuts> cuts_;
  std::optional<message> too_large_;
};

} // namespace troupe::broker

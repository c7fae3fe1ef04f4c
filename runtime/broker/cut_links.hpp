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

/// A body above this makes a frame larger than every peer must accept.
inline constexpr std::size_t cutting_bytes_least = wire::control_bytes_max;
/// If a link ends within this time after a message was sent over it, the message may have cut it.
inline constexpr std::chrono::seconds cut_within{1};
/// The number of cuts after which the message is not sent again.
inline constexpr std::uint8_t cuts_convicted = 3;

/// The reason why a message is set aside. @param what "call" or "event".
std::string cut_words(std::string_view what, std::string_view node, std::size_t bytes);

/// Finds out which message cuts the links of a worker. A peer that accepts smaller frames than it
/// is sent cuts its link (ZMQ_MAXMSGSIZE), logs in again, and would be sent the same message again.
/// ZeroMQ does not say why a link ended.
///
/// A worker that cuts a link for size has accepted nothing as large as the message that caused it:
/// of all calls and events that were sent to a login, and not received for certain, the largest one
/// is too large. Only that one is blamed; when three links in a row ended soon after it was sent,
/// it is not sent again. Messages arrive in order: an answer to one proves that the worker has
/// received the earlier ones, too.
///
/// Pure; router and bus of one broker share one object, on one thread, as they do the quarantine.
class cut_links {
public:
  /// A message that a worker was sent: a call, or an event of a subscriber.
  struct message {
    suspect_of whose = suspect_of::calls;
    uuid id;
    /// For an event: its position.
    std::uint32_t partition = 0;
    std::uint64_t position = 0;
    std::size_t bytes = 0;

    bool is_same(const message& other) const {
      return whose == other.whose && id == other.id && position == other.position;
    }
  };

  /// A worker is sent a message, after all earlier ones.
  /// @param what `bytes` is the size of its body.
  void sent(login_id to, const message& what, instant now) {
    if (what.bytes > cutting_bytes_least || !links_.empty()) {
      note(to, what, now);
    }
  }

  /// The worker has answered or mentioned a call, and so has received it.
  void answered(login_id by, const uuid& call);
  /// ... about the events of a partition at these positions.
  void answered(
      login_id by,
      suspect_of whose,
      std::uint32_t partition,
      std::uint64_t first,
      std::uint64_t last);

  /// The login has ended, and its link was not cut by a message.
  void closed(login_id whose) { links_.erase(static_cast<std::uint32_t>(whose)); }

  /// The link of the login has ended.
  void ended(login_id whose, const uuid& incarnation, instant now);

  /// The process logs in again: only its link had ended.
  /// @param in_hand the calls that it has.
  void came_back(const uuid& incarnation, const std::vector<uuid>& in_hand);

  /// The message that must not be sent again, if the process that logged in last has cut its link
  /// with it too often.
  std::optional<message> too_large(suspect_of whose) const;
  /// Notes that the message was set aside.
  void set_aside();

private:
  /// The most processes that may come back, and messages that have cut links.
  static constexpr std::size_t remembered_max = 64;
  /// The number of messages after a large one whose answers are examined.
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

  /// Messages sent to a login and not received for certain, in order: a large one first.
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

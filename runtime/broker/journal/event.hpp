#pragma once

#include "runtime/ids.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace troupe::broker {

/// An event of the journal. Never changed once it is shared: the socket loop and the journal's
/// threads read the same object.
struct event {
  /// In the journal, from 1; higher than that of every event confirmed before.
  std::uint64_t position = 0;
  uuid id{};
  /// When it was journaled, in milliseconds since 1970 (UTC).
  std::int64_t time = 0;
  /// Of 64, by key (wire::partition_of).
  std::uint32_t partition = 0;
  /// Digest of topic and body if a client published the event: a repeat of the id must have the
  /// same. 0 for an event from an outbox.
  std::uint64_t digest = 0;
  std::string topic{};
  /// The ordering key; may be empty.
  std::string key{};
  /// The capability whose outbox it comes from. If a client published it: the name that its key
  /// proves; empty if links have no keys.
  std::string source{};
  std::string traceparent{};
  std::string body{};
  /// If not empty, the event is a retried dead letter, for this capability alone.
  std::string only_for{};

  /// Whether it comes from an outbox, and not from a client or from a dead letter.
  bool is_of_outbox() const { return digest == 0 && only_for.empty(); }

  /// Its approximate size in memory.
  std::size_t bytes() const {
    return sizeof(event) + topic.size() + key.size() + source.size() + traceparent.size()
           + body.size();
  }
};

using event_ref = std::shared_ptr<const event>;

/// A dead letter: the event that was given up for one capability, and why.
struct dead_letter {
  uuid id{};
  std::string capability{};
  event_ref what{};
  /// "rejected", "invalid", "transient" (its attempts are used up) or "crashed".
  std::string cause{};
  /// The last error's text.
  std::string error{};
  std::uint32_t attempts = 0;
  /// When it was first delivered, and when given up, in milliseconds since 1970 (UTC).
  std::int64_t first_at = 0;
  std::int64_t last_at = 0;
  std::string node{};
  std::uint32_t replica = 0;
  /// Its database told of it as given up already: its letter may have been there before, and a
  /// person may have retried or dropped it since. Then it is not written again.
  bool may_be_decided = false;
};

} // namespace troupe::broker

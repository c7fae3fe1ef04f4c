#pragma once

#include "runtime/broker/events/bus.hpp"
#include "runtime/broker/events/event_links.hpp"
#include "runtime/broker/events/journal_client.hpp"
#include "runtime/secret_hash.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe::broker {

/// Answers the call `topics`: the events of each topic in the journal, their rate, and the progress
/// of the subscribers. Confined to the thread of the event service.
class topic_states {
public:
  /// All of these outlive this.
  topic_states(
      const clock& time,
      journal_client& journal,
      const bus& events,
      event_links& links,
      std::size_t bytes_max)
      : time_{time}, journal_{journal}, bus_{events}, links_{links},
        bytes_max_{bytes_max}, started_{time.now()} {}

  void list(origin from, const uuid& id, const wire::get_topics& what, instant now);
  /// These events are on disk.
  void written(const std::vector<event_ref>& events);
  /// The journal has forgotten these topics.
  void forget(const std::vector<std::string>& names);

private:
  /// The events of a topic that were written, over the last minute.
  struct topic_rate {
    static constexpr std::int64_t buckets = 6;
    std::array<std::uint64_t, buckets> counts{};
    // The number of the newest bucket since 1970, each of `bucket_ms`; its place in `counts` is the
    // number modulo `buckets`.
    std::int64_t newest = 0;

    void note(std::int64_t bucket);
    double per_s(std::int64_t bucket, double seconds) const;
  };

  static constexpr std::int64_t bucket_ms = 10'000;

  struct pending_answer;

  template <class Take>
  void
  ask(const std::shared_ptr<pending_answer>& answer,
      journal_question question,
      instant now,
      const Take& take);
  void ask_next(const std::shared_ptr<pending_answer>& answer, instant now);
  wire::group_state describe(std::uint32_t index) const;
  void add_topics(
      wire::topics_state& to,
      const topics_counted& counted,
      const std::string& after,
      instant now) const;
  std::int64_t wall_ms() const;

  const clock& time_;
  journal_client& journal_;
  const bus& bus_;
  event_links& links_;
  std::size_t bytes_max_;
  instant started_;
  std::unordered_map<std::string, topic_rate, secret_hash, std::equal_to<>> rates_;
};

} // namespace troupe::broker

#pragma once

#include "runtime/broker/events/bus.hpp"
#include "runtime/broker/events/event_links.hpp"
#include "runtime/broker/events/journal_client.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::broker {

/// The operators' calls about dead letters: list, show, retry, drop. Changes are made one at a
/// time, so that each sees the result of the former on disk. Confined to the thread of the event
/// service.
class dead_letters {
public:
  /// All of these outlive this.
  dead_letters(
      const clock& time,
      journal_client& journal,
      bus& events,
      event_links& links,
      std::size_t bytes_max)
      : time_{time}, journal_{journal}, incoming_{events.incoming()},
        subscribers_{events.feeder()}, links_{links}, bytes_max_{bytes_max} {}

  void list(origin from, const uuid& id, const wire::get_dead_letters& what, instant now);
  void show(origin from, const uuid& id, const uuid& which, instant now);
  void retry(origin from, const uuid& id, const wire::retry_dead_letter& what, instant now);
  void drop(origin from, const uuid& id, const uuid& which, instant now);
  /// Retries, or drops, all letters that match the filter.
  void change_many(
      origin from, const uuid& id, const wire::change_dead_letters& what, bool drops, instant now);

  /// A batch is on disk, or failed for this reason: the next change may begin.
  void written(std::optional<error> why_not, instant now);

  /// The journal was released: waiting changes are refused.
  void give_up(instant now);

private:
  /// Retries or drops dead letters, then calls `end_change`.
  using change = std::function<void(instant now)>;

  void enqueue(origin from, const uuid& id, change what, instant now);
  void change_one(
      origin from,
      const uuid& id,
      const uuid& which,
      std::function<void(const dead_letter* found, bool is_repeat)> what,
      instant now);
  void begin_change(instant now);
  void end_change(instant now);

  /// A call that changes many letters, and its progress.
  struct change_of_many {
    origin from{};
    uuid id;
    wire::change_dead_letters what;
    bool drops = false;
    std::optional<uuid> after{};
    std::uint64_t changed = 0;
    // The letters that are kept, by capability and topic.
    std::map<std::pair<std::string, std::string>, std::uint64_t> kept{};
  };

  void change_page(const std::shared_ptr<change_of_many>& all, instant now);
  void change_each(change_of_many& all, const std::vector<dead_letter>& page);
  void note_decided(const dead_letter& letter);
  error nobody_for(const dead_letter& letter, const std::string& to) const;
  std::int64_t wall_ms() const;

  const clock& time_;
  journal_client& journal_;
  incoming& incoming_;
  const feeder& subscribers_;
  event_links& links_;
  std::size_t bytes_max_;
  std::deque<change> changes_; // The changes that wait.
  bool is_changing_ = false;
  std::optional<error> write_failed_; // The reason, if the last write failed.
};

} // namespace troupe::broker

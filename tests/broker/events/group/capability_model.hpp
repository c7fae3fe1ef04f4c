#pragma once

#include "runtime/broker/events/decisions.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::broker {

/// The database of the capability: one for all of its workers, whatever they believe.
struct database {
  struct partition {
    bool is_known = false;
    std::uint64_t epoch = 0;
    std::uint64_t handled = 0;
    std::map<std::uint64_t, wire::postponed> rows;
  };

  std::array<partition, 64> partitions;
  std::set<std::uint64_t> dead;
  std::map<std::uint64_t, int> effects;
  std::map<std::string, std::uint64_t> last_of_key;
};

using to_worker = std::variant<event_ref, send_assign, send_dead>;
using to_group = std::variant<wire::assigned, wire::handled>;

/// A worker process.
struct process {
  std::string name;
  bool is_alive = false;
  std::uint8_t incarnation = 0;
  /// 0: its link is cut.
  std::uint32_t login = 0;
  /// The last one it had.
  std::uint32_t said_as = 0;
  std::uint32_t credit = 3;
  std::map<std::uint32_t, std::uint64_t> epochs{};
  std::deque<to_worker> inbox{};
  std::deque<std::pair<std::uint32_t, to_group>> outbox{};
};

/// What becomes of an event that is handled.
enum class nature : std::uint8_t { good, poison, refused, flaky };

/// What the workers of one capability do with the events they are sent: as runtime/wire/FORMAT.md
/// says, and no more than that.
struct capability_model {
  /// One turn over some of what was sent to `who`.
  /// @return false if it dies of an event.
  bool work(process& who, std::uint64_t items);

  std::vector<event_ref> journal;
  std::map<std::uint64_t, nature> natures;
  /// How often a flaky one fails.
  std::map<std::uint64_t, std::uint64_t> tries;
  database db;

private:
  struct turn {
    wire::handled report;
    std::set<std::uint32_t> touched;
  };

  void flush(process& who, turn& at);
  void take(process& who, const send_assign& order);
  void forget(std::uint64_t position);
  bool handle(process& who, const event& what, turn& at);
  bool run(database::partition& of, const event& what, turn& at);
  static void
  postpone(database::partition& of, const event& what, const wire::postponed& said, turn& at);
  bool is_behind(const database::partition& of, const event& what) const;
};

} // namespace troupe::broker

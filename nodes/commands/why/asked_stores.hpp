#pragma once

#include "nodes/commands/why/life.hpp"
#include "nodes/system_links.hpp"
#include "runtime/outcome.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "topology/plan.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::why {

/// The databases of a running system that are not on this machine. They are read through operations
/// of the nodes and of the broker that keeps the journal. Links are opened by the first question.
class asked_stores {
public:
  /// @param plan outlives this.
  explicit asked_stores(const topology::plan& plan) : plan_{plan} {}

  /// The rows of a capability's database with these ids.
  /// @errors if no node of it answers.
  outcome<wire::told_life>
  life_of(const topology::capability_plan& capability, const std::vector<uuid>& ids);

  /// The state of an event at a capability.
  /// @errors as above.
  outcome<wire::delivery_told> delivery_of(
      const topology::capability_plan& capability, std::uint32_t partition, std::uint64_t position);

  /// Reads the journal's events from a minute before `from` on, up to the limit (20,000).
  /// @errors of the broker.
  outcome<void> read_events(wall_time from);

  /// The newest events with an ordering key, at most 10, oldest first, among the newest events
  /// read.
  outcome<std::vector<uuid>> with_key(std::string_view key);

  /// Adds the event `id` if it is scheduled, or was cancelled by an operator.
  /// @errors of the broker.
  outcome<void> look_at_schedule(const uuid& id, life& into);

  /// The events read, and letters, with one of these ids.
  void look_at_journal(const std::set<uuid>& ids, life& into) const;

  /// Whether a subscriber without a database has passed a position, according to the journal.
  bool has_passed(const std::string& capability, std::uint64_t position) const;

  /// Whether there are more events than were read.
  bool is_part() const { return is_part_; }

private:
  system_links& links();
  /// Whether any broker answers; asked once.
  /// @errors of the last one.
  const outcome<void>& reached();
  outcome<std::string>
  ask_nodes(const topology::capability_plan& capability, std::string_view body);
  outcome<std::string> ask_journal(std::string_view operation, std::string body);
  outcome<void> read_pages(wire::read_events asked);
  outcome<void> read_letters();

  const topology::plan& plan_;
  std::optional<system_links> links_;
  std::optional<outcome<void>> reached_;
  std::vector<wire::event_told> events_;
  std::vector<letter_told> letters_;
  std::vector<wire::group_state> subscribers_;
  bool is_part_ = false;
};

} // namespace troupe::why

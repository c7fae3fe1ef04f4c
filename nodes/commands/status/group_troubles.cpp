#include "nodes/commands/status/group_troubles.hpp"

#include "nodes/commands/status/counted.hpp"
#include "nodes/commands/status/database_advice.hpp"
#include "nodes/text_table.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <utility>

namespace troupe {

namespace {

// Under load the journal confirms late, so report an outbox only after this time.
constexpr std::uint64_t outbox_patience_ms = 10'000;
// A replica whose last failure is older has worked since.
constexpr std::uint64_t failure_kept_ms = 5 * 60'000;

using weight = trouble::weight;

/// Collects the troubles of all groups.
class group_finder {
public:
  explicit group_finder(const system_view& all) : all_{all} {}

  std::vector<trouble> find() {
    find_groups();
    return std::move(found_);
  }

private:
  void add(trouble one) { found_.push_back(std::move(one)); }

  void find_groups() {
    for (const capability_view& capability : all_.capabilities) {
      std::map<std::string, std::vector<std::pair<std::string, const wire::group_status*>>> opened;
      for (const std::string& name : capability.nodes) {
        const node_view* const node = find_node(all_, name);
        const auto* const group = node == nullptr ? nullptr : group_of(*node, capability.name);
        if (group == nullptr) {
          continue;
        }
        find_in_group(name, *group);
        note_refusals(name, *group);
        if (group->breaker != "closed" && group->breaker != "down" && !group->breaker.empty()) {
          opened[group->breaker].emplace_back(name, group);
        }
      }
      for (const auto& [state, where] : opened) {
        std::vector<std::string> nodes;
        for (const auto& each : where) {
          nodes.push_back(each.first);
        }
        add_breaker(capability.name, state, *where.front().second, nodes);
      }
    }
    for (const auto& [reason, each] : refusing_) {
      add_refusing(each);
    }
    for (const auto& [capability, each] : stuck_) {
      add_stuck(each);
    }
  }

  /// A trouble that groups of one or several capabilities report in the same words.
  struct shared_matter {
    /// The nodes that report it, by capability, in the order of first mention.
    std::vector<std::pair<std::string, std::vector<std::string>>> places{};
    std::string why{};
    std::optional<std::uint64_t> lasted_ms{};
    std::uint64_t count = 0;

    void take(const std::string& capability, const std::string& node) {
      if (places.empty() || places.back().first != capability) {
        places.emplace_back(capability, std::vector<std::string>{});
      }
      places.back().second.push_back(node);
    }

    void last_at_least(const std::optional<std::uint64_t>& millis) {
      lasted_ms = std::max(lasted_ms, millis);
    }

    /// "orders on n1, n2; notes on n1".
    std::string where() const {
      std::string text;
      for (const auto& [capability, nodes] : places) {
        text +=
            fmt::format("{}{} on {}", text.empty() ? "" : "; ", capability, fmt::join(nodes, ", "));
      }
      return text;
    }
  };

  /// Records databases that refuse turns, by reason, and outboxes that do not drain, by capability.
  /// The nodes of a capability share its database, and databases may share a disk.
  void note_refusals(const std::string& node, const wire::group_status& group) {
    if (group.store_trouble && group.down_reason.empty()) {
      const bool is_full = group.store_trouble->find("full") != std::string::npos;
      shared_matter& of = refusing_[is_full ? "full" : *group.store_trouble];
      of.take(group.capability, node);
      of.why = of.why.empty() ? *group.store_trouble : of.why;
      of.last_at_least(group.store_trouble_ms);
    }
    const bool waits =
        group.outbox_depth > 0 && group.outbox_waits_ms.value_or(0) >= outbox_patience_ms;
    if (group.outbox_trouble.empty() && !waits) {
      return;
    }
    shared_matter& of = stuck_[group.capability];
    of.take(group.capability, node);
    of.why = of.why.empty() ? group.outbox_trouble : of.why;
    of.count = std::max<std::uint64_t>(of.count, group.outbox_depth);
    of.last_at_least(
        group.outbox_trouble.empty() ? group.outbox_waits_ms : group.outbox_stopped_ms);
  }

  void add_refusing(const shared_matter& of) {
    add(
        {.what = of.places.size() == 1
                     ? fmt::format("the database of {} refuses turns", of.where())
                     : fmt::format("the databases of {} refuse turns", of.where()),
         .lasted = duration_of(of.lasted_ms),
         .why = of.why,
         .next = database_advice(
             of.why,
             fmt::format(
                 "log/{}.log says more (store.turn_failed)", of.places.front().second.front()))});
  }

  void add_stuck(const shared_matter& of) {
    if (!of.why.empty()) {
      return add(
          {.what = fmt::format("events of {} do not leave for the journal", of.where()),
           .lasted = duration_of(of.lasted_ms),
           .why = of.why,
           .next = fmt::format("stop the system and ask `troupe restore {}`", all_.file)});
    }
    add(
        {.what = fmt::format(
             "{} of {} for the journal",
             count_of(of.count, "event", "events"),
             of.where() + (of.count == 1 ? " waits" : " wait")),
         .lasted = duration_of(of.lasted_ms),
         .next = fmt::format(
             "broker {} keeps the journal: log/{}.log says whether it can write",
             all_.journal_broker,
             all_.journal_broker)});
  }

  void find_in_group(const std::string& node, const wire::group_status& group) {
    const auto here = fmt::format("{} on {}", group.capability, node);
    if (!group.down_reason.empty()) {
      add(
          {.what = fmt::format("{} is down", here),
           .lasted = duration_of(group.down_ms),
           .why = group.down_reason,
           .next = fmt::format(
               "remove the cause; what the node does not retry by itself, it retries after a "
               "restart (log/{}.log)",
               node)});
    }
    if (group.time_ahead) {
      add(
          {.what = fmt::format("the clock of {} is behind, or another one was ahead", here),
           .why = *group.time_ahead,
           .next = "put the clock right if it is behind, else see `The clock was ahead` in "
                   "RUNBOOK.md"});
    }
    find_failure(here, group);
  }

  void find_failure(const std::string& here, const wire::group_status& group) {
    const wire::replica_failure* last = nullptr;
    for (const wire::replica_status& replica : group.replicas) {
      for (const wire::replica_failure& each : replica.failures) {
        if (each.ms_ago <= failure_kept_ms && (last == nullptr || each.ms_ago < last->ms_ago)) {
          last = &each;
        }
      }
    }
    if (last != nullptr && group.down_reason.empty()) {
      add(
          {.is = weight::waiting,
           .what = fmt::format(
               "a handler of {} failed {} ago and was restarted",
               here,
               age_text(milliseconds{static_cast<std::int64_t>(last->ms_ago)})),
           .why = last->reason,
           .next = last->message ? fmt::format("it was handling {}: the log has it", *last->message)
                                 : "the node's log has the message that it was handling"});
    }
  }

  void add_breaker(
      const std::string& capability,
      const std::string& state,
      const wire::group_status& group,
      const std::vector<std::string>& nodes) {
    const auto where = fmt::to_string(fmt::join(nodes, ", "));
    if (group.forced_by.empty()) {
      return add(
          {.what = fmt::format(
               "the breaker of {} is {} on {}",
               capability,
               state == "half_open" ? "half open" : state,
               where),
           .lasted = duration_of(group.breaker_open_ms),
           .why = state == "half_open"
                      ? "single calls are let through: the first that succeeds closes it; it stays "
                        "so while none comes"
                      : "too many of its calls failed: they are refused until one that is let "
                        "through succeeds",
           .next = state == "half_open"
                       ? fmt::format(
                           "nothing, if a person gave it back just now; else log/{}.log says how "
                           "calls failed",
                           nodes.front())
                       : fmt::format("log/{}.log says how they fail", nodes.front())});
    }
    const bool is_shut_out = state == "forced_open";
    add(
        {.is = is_shut_out ? weight::wrong : weight::waiting,
         .what = fmt::format(
             "the breaker of {} on {} is {} by {} since {}",
             capability,
             where,
             state == "disabled" ? "switched off"
             : is_shut_out       ? "forced open"
                                 : "forced closed",
             group.forced_by,
             group.forced_since.substr(0, group.forced_since.find('.')) + 'Z'),
         .why = group.forced_why,
         .next = fmt::format(
             "`troupe breaker {} {} auto --why TEXT` gives it back", all_.file, capability)});
  }

  const system_view& all_;
  std::vector<trouble> found_;
  std::map<std::string, shared_matter> refusing_; // By reason.
  std::map<std::string, shared_matter> stuck_;    // By capability.
};

} // namespace

std::vector<trouble> group_troubles_of(const system_view& all) {
  return group_finder{all}.find();
}

} // namespace troupe

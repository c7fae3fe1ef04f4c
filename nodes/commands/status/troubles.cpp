#include "nodes/commands/status/troubles.hpp"

#include "nodes/commands/output.hpp"
#include "nodes/commands/status/counted.hpp"
#include "nodes/commands/status/group_troubles.hpp"
#include "nodes/commands/status/journal_troubles.hpp"
#include "nodes/commands/status/saga_troubles.hpp"
#include "nodes/text_table.hpp"
#include "runtime/contains.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace troupe {

namespace {

using weight = trouble::weight;

// A broker logs this every 10 s while it turns connections away.
constexpr std::uint64_t crowded_for_ms = 30'000;

std::string last_words(const std::string& words) {
  return words.empty() ? "" : fmt::format("its log ends with: {}", words);
}

bool is_open(const wire::group_status& group) {
  return group.breaker == "open" || group.breaker == "forced_open";
}

/// Whether a broker that gave no answer is running and refuses to answer.
bool refuses(const broker_view& broker) {
  if (broker.said) {
    return false;
  }
  const error& why = broker.said.error();
  return !why.detail("login_refused").empty()
         || (why.code != errc::deadline_exceeded && why.code != errc::unavailable);
}

/// Collects the troubles from all answers.
class finder {
public:
  explicit finder(const system_view& all) : all_{all} {}

  std::vector<trouble> find() {
    find_brokers();
    if (is_reached()) {
      find_nodes();
      find_gateways();
      find_unserved();
      add_all(group_troubles_of(all_));
      add_all(journal_troubles_of(all_));
      find_open_matters();
      add_all(saga_troubles_of(all_));
      find_unsettled();
    }
    std::ranges::stable_sort(found_, {}, &trouble::is);
    return std::move(found_);
  }

private:
  bool is_reached() const {
    return std::ranges::any_of(all_.brokers, [](const auto& each) { return !!each.said; });
  }

  void add(trouble one) { found_.push_back(std::move(one)); }

  void add_all(std::vector<trouble> more) {
    std::move(more.begin(), more.end(), std::back_inserter(found_));
  }

  std::string command(std::string_view words) const {
    return fmt::format("`troupe {} {}`", words, all_.file);
  }

  /// The advice about a process that gives no answer although it runs here; nothing if it does not
  /// run here, or nobody can tell.
  std::optional<std::string> revival_of(const std::string& name) const {
    const auto found = all_.running.find(name);
    if (found == all_.running.end()) {
      return std::nullopt;
    }
    const std::string log = fmt::format("log/{}.log says what it does", name);
    if (found->second == 0) {
      return fmt::format("its process runs here; {}", log);
    }
    return fmt::format(
        "its process {0} runs here; {1}. If `ps -o stat= -p {0}` shows T, it was stopped, and "
        "`kill -CONT {0}` has it go on; if it hangs, `kill -KILL {0}`, and what runs it starts it "
        "anew",
        found->second,
        log);
  }

  /// What starts a broker or gateway that is away.
  std::string start_of(const std::string& name) const {
    if (auto revival = revival_of(name)) {
      return *std::move(revival);
    }
    const auto host = all_.hosts.find(name);
    return host == all_.hosts.end()
               ? fmt::format("{} starts it; log/{}.log says why it ended", command("up"), name)
               : fmt::format(
                   "start it on {}; log/{}.log there says why it ended", host->second, name);
  }

  void find_brokers() {
    for (const broker_view& each : all_.brokers) {
      if (!each.said) {
        const error& why = each.said.error();
        const bool is_refusal = refuses(each);
        add(
            {.what = fmt::format(
                 "broker {} {}",
                 each.name,
                 is_refusal ? "refuses this command" : "does not answer"),
             .why = each.last_words.empty() || is_refusal ? std::string{message_of(why)}
                                                          : last_words(each.last_words),
             .next = is_refusal ? "follow its message, and ask again" : start_of(each.name)});
      } else if (each.said->broker != each.name) {
        add(
            {.what =
                 fmt::format("the broker where {} should be is {}", each.name, each.said->broker),
             .why = "another system runs at this address",
             .next = "give the file with which that system was started, or change the ports of one "
                     "of the two"});
      } else if (each.said->plan && *each.said->plan != all_.plan) {
        add(
            {.what = fmt::format("broker {} runs another topology than {}", each.name, all_.file),
             .why = "the file has changed since the broker was started, or belongs to another "
                    "system",
             .next = "`troupe check` says what the file means; stop the system and start it with "
                     "this file"});
      } else if (each.said->draining) {
        add(
            {.what = fmt::format("broker {} is being stopped", each.name),
             .next = "it takes no new work and ends once all it holds is answered"});
      } else {
        find_crowd(each);
        find_ending_logins(each);
      }
    }
  }

  void find_ending_logins(const broker_view& broker) {
    for (const wire::ending_login& each :
         broker.said->ending.value_or(std::vector<wire::ending_login>{})) {
      add(
          {.what = fmt::format(
               "the login of {} at {} ends in {}: its token is not renewed",
               each.name,
               broker.name,
               age_text(milliseconds{static_cast<std::int64_t>(each.left_ms)})),
           .why = each.refused.empty() ? ""
                                       : fmt::format("the next one was refused: {}", each.refused),
           .next = fmt::format(
               "`troupe token new {} --for {} --to KEYS/{}.token` gives it one; its log says why "
               "it "
               "has none (token.not_renewed)",
               all_.file,
               each.name,
               each.name)});
    }
  }

  void find_crowd(const broker_view& broker) {
    for (const wire::recent_event& each : broker.said->events) {
      if (each.name == "too_many_connections" && each.ago_ms <= crowded_for_ms) {
        return add(
            {.what = fmt::format(
                 "broker {} turns connections away, {} so far",
                 broker.name,
                 broker.said->counters.turned_away),
             .why = "its limit of open files is reached",
             .next = "raise the limit (`ulimit -Hn`, LimitNOFILE), or have clients share "
                     "connections"});
      }
    }
  }

  void find_nodes() {
    for (const node_view& each : all_.nodes) {
      const wire::known_node* const known = known_node(all_, each.name);
      if (known != nullptr && !known->live) {
        add_away(each, *known);
      } else if (!each.said) {
        add(
            {.what = fmt::format("node {} is logged in and does not answer", each.name),
             .lasted = known == nullptr ? std::nullopt : duration_of(known->busy_ms),
             .why = std::string{message_of(each.said.error())},
             .next = fmt::format(
                 "is its machine overloaded, or a handler of it stuck? log/{}.log says more",
                 each.name)});
      } else if (known != nullptr && known->draining.value_or(false)) {
        add(
            {.what = fmt::format("node {} is being stopped", each.name),
             .next = "it takes no new work and ends once its current work is done"});
      }
    }
  }

  void find_gateways() {
    for (const std::string& each : all_.gateways) {
      if (const auto joined = brokers_of_gateway(all_, each); joined && joined->empty()) {
        add(
            {.what = fmt::format("gateway {} is logged in at no broker", each),
             .next = start_of(each)});
      }
    }
  }

  void add_away(const node_view& node, const wire::known_node& known) {
    std::vector<std::string> unserved;
    for (const capability_view& each : all_.capabilities) {
      const bool is_of = contains(each.nodes, node.name);
      if (is_of && std::ranges::none_of(each.nodes, [this](const auto& other) {
            const wire::known_node* const one = known_node(all_, other);
            return one != nullptr && one->live;
          })) {
        unserved.push_back(each.name);
      }
    }
    const auto* const refused = last_logged(all_, "login_refused", [&](const auto& fields) {
      const auto name = fields.find("node");
      return name != fields.end() && name->second == node.name;
    });
    const auto reason = refused == nullptr ? std::string{} : refused->fields.at("why");
    add(
        {.what = fmt::format(
             "node {} {}{}",
             node.name,
             known.away_ms ? "is away" : "has not come since the broker started",
             unserved.empty() ? "" : fmt::format(": nobody serves {}", fmt::join(unserved, ", "))),
         .lasted = duration_of(known.away_ms),
         .why = reason.empty() ? last_words(node.last_words)
                               : fmt::format("the broker refused it: {}", reason),
         .next =
             reason.empty() && all_.running.contains(node.name) ? *revival_of(node.name)
             : node.host == "here"
                 ? fmt::format(
                     "{} starts it; one that runs, or its service, does so by itself once the "
                     "reason is gone; log/{}.log says why it ended",
                     command("up"),
                     node.name)
                 : fmt::format(
                     "start it on {}; log/{}.log there says why it ended", node.host, node.name)});
  }

  /// Capabilities that accept no calls although one of their nodes is running and healthy.
  void find_unserved() {
    std::map<std::string, std::uint32_t> queued;
    std::set<std::string> served;
    for (const broker_view& broker : all_.brokers) {
      if (!broker.said) {
        continue;
      }
      for (const wire::known_capability& each : broker.said->capabilities) {
        queued[each.name] += each.queued;
        if (!each.waiting_for_workers) {
          served.insert(each.name);
        }
      }
    }
    for (const capability_view& each : all_.capabilities) {
      const bool is_told = std::ranges::all_of(each.nodes, [&](const auto& name) {
        const node_view* const node = find_node(all_, name);
        const auto* const group = node == nullptr ? nullptr : group_of(*node, each.name);
        return group == nullptr || !group->down_reason.empty() || is_open(*group);
      });
      if (!served.contains(each.name) && !is_told) {
        add(
            {.what = fmt::format(
                 "nobody takes calls for {}; {}",
                 each.name,
                 count_of(queued[each.name], "waits", "wait")),
             .next = "its nodes are there: look again in a moment, and then at their logs"});
      }
    }
  }

  /// Open matters that actors report. All nodes of a database list the same ones.
  void find_open_matters() {
    for (const capability_view& capability : all_.capabilities) {
      const wire::open_matters_status* most = nullptr;
      for (const std::string& name : capability.nodes) {
        const node_view* const node = find_node(all_, name);
        const auto* const group = node == nullptr ? nullptr : group_of(*node, capability.name);
        if (group != nullptr && group->open_matters
            && (most == nullptr || group->open_matters->count > most->count)) {
          most = &*group->open_matters;
        }
      }
      if (most != nullptr) {
        add(
            {.is = weight::waiting,
             .what = fmt::format("{} has {} {}", capability.name, most->count, most->what),
             .next = fmt::format(
                 "`troupe call {} {}.{} '{{}}'` says which",
                 all_.file,
                 capability.name,
                 most->operation)});
      }
    }
  }

  void find_unsettled() {
    std::map<std::string, waiting_view> most;
    for (const waiting_view& each : all_.waiting) {
      waiting_view& of = most[each.capability];
      // All nodes of a database list the same effects.
      of.effects = std::max(of.effects, each.effects);
      of.has_more_effects = of.has_more_effects || each.has_more_effects;
    }
    for (const auto& [capability, each] : most) {
      if (each.effects > 0) {
        add(
            {.is = weight::waiting,
             .what = fmt::format(
                 "{} of effects of {} could not be stored yet",
                 at_least(each.effects, each.has_more_effects, "result", "results"),
                 capability),
             .next = fmt::format("`troupe effects list {} {}` says why", all_.file, capability)});
      }
    }
  }

  const system_view& all_;
  std::vector<trouble> found_;
};

std::uint64_t count(const std::vector<trouble>& found, weight which) {
  return static_cast<std::uint64_t>(std::ranges::count(found, which, &trouble::is));
}

} // namespace

std::string_view name_of(system_health how) {
  constexpr std::array<std::string_view, 3> names{"healthy", "degraded", "unreachable"};
  return names[static_cast<std::size_t>(how)];
}

std::vector<trouble> troubles_of(const system_view& all) {
  return finder{all}.find();
}

system_health verdict_on(const system_view& all, const std::vector<trouble>& found) {
  const bool is_reached =
      std::ranges::any_of(all.brokers, [](const auto& each) { return !!each.said; });
  return !is_reached                       ? system_health::unreachable
         : count(found, weight::wrong) > 0 ? system_health::degraded
                                           : system_health::healthy;
}

std::string headline(const system_view& all, const std::vector<trouble>& found) {
  const std::uint64_t waiting = count(found, weight::waiting);
  const std::string waits =
      waiting == 0 ? "" : count_of(waiting, "thing waits", "things wait") + " for a person";
  switch (verdict_on(all, found)) {
  case system_health::unreachable:
    return std::ranges::all_of(all.brokers, refuses)
               ? fmt::format("{} cannot be asked: its brokers refuse this command", all.name)
               : fmt::format("{} is unreachable: no broker answers", all.name);
  case system_health::healthy:
    return fmt::format("{} is healthy{}{}", all.name, waits.empty() ? "" : "; ", waits);
  case system_health::degraded:
    break;
  }
  return fmt::format(
      "{} is degraded: {} wrong{}{}",
      all.name,
      count_of(count(found, weight::wrong), "thing is", "things are"),
      waits.empty() ? "" : ", ",
      waits);
}

} // namespace troupe

#include "nodes/commands/status/troubles.hpp"

#include "nodes/commands/output.hpp"
#include "nodes/commands/status/counted.hpp"
#include "nodes/commands/status/saga_troubles.hpp"
#include "nodes/text_table.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>
#include <set>
#include <utility>

namespace troupe {

namespace {

// An outbox that a busy journal confirms late is in no trouble yet, and neither is a subscriber
// that has just been sent much.
constexpr std::uint64_t outbox_patience_ms = 10'000;
constexpr std::int64_t lag_patience_ms = 60'000;
// A replica that failed longer ago has worked since.
constexpr std::uint64_t failure_kept_ms = 5 * 60'000;

// A backup may read for minutes.
constexpr std::uint64_t old_transaction_ms = 60 * 60'000;

using weight = trouble::weight;

// While connections are turned away a broker says so every 10 s.
constexpr std::uint64_t crowded_for_ms = 30'000;

// A journal that cannot be written is tried again with the next event, which may be long in coming.
constexpr std::uint64_t write_failure_kept_ms = 60'000;
// Where little room is left, small batches still find some.
constexpr std::uint64_t mended_write_kept_ms = 5'000;

constexpr std::string_view free_some_space =
    "free some space where the databases are (`df`; old before-restore-* folders, logs, backups): "
    "all goes on by itself";

// What the server of a database says of a lock that was not given (SQLSTATE 55P03).
constexpr std::string_view lock_refused = "another session holds the lock";
constexpr std::string_view find_the_holder =
    "SELECT pid, usename, application_name, xact_start, query FROM pg_stat_activity WHERE pid = "
    "ANY(SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity); says who holds it; "
    "pg_terminate_backend(pid) ends that, and all goes on by itself";

/// What to do about a database that refuses what is written, by its reason; `otherwise` if that
/// does not say.
std::string next_for(const std::string& reason, std::string otherwise) {
  if (reason.find(lock_refused) != std::string::npos) {
    return std::string{find_the_holder};
  }
  return reason.find("full") != std::string::npos ? std::string{free_some_space}
                                                  : std::move(otherwise);
}

std::optional<milliseconds> span(const std::optional<std::uint64_t>& millis) {
  return millis ? std::optional{milliseconds{static_cast<std::int64_t>(*millis)}} : std::nullopt;
}

std::string last_words(const std::string& words) {
  return words.empty() ? "" : fmt::format("its log ends with: {}", words);
}

bool is_open(const wire::group_status& group) {
  return group.breaker == "open" || group.breaker == "forced_open";
}

/// Whether a broker that gave no answer is up, and refuses to.
bool refuses(const broker_view& broker) {
  if (broker.said) {
    return false;
  }
  const error& why = broker.said.error();
  return !why.detail("login_refused").empty()
         || (why.code != errc::deadline_exceeded && why.code != errc::unavailable);
}

/// Finds what is wrong in one answer after the other, and keeps it.
class finder {
public:
  explicit finder(const system_view& all) : all_{all} {}

  std::vector<trouble> find() {
    find_brokers();
    if (is_reached()) {
      find_nodes();
      find_gateways();
      find_unserved();
      find_groups();
      find_events();
      find_open_matters();
      find_sagas();
      find_unsettled();
    }
    std::stable_sort(found_.begin(), found_.end(), [](const trouble& one, const trouble& other) {
      return one.is < other.is;
    });
    return std::move(found_);
  }

private:
  bool is_reached() const {
    return std::any_of(
        all_.brokers.begin(), all_.brokers.end(), [](const auto& each) { return !!each.said; });
  }

  void add(trouble one) { found_.push_back(std::move(one)); }

  std::string command(std::string_view words) const {
    return fmt::format("`troupe {} {}`", words, all_.file);
  }

  /// The last line of a broker's log that has this name and these fields, and how long ago.
  template <class Fits>
  const wire::recent_event* logged(std::string_view name, const Fits& fits) const {
    const wire::recent_event* found = nullptr;
    for (const broker_view& broker : all_.brokers) {
      if (!broker.said) {
        continue;
      }
      for (const wire::recent_event& each : broker.said->events) {
        if (each.name == name && fits(each.fields)
            && (found == nullptr || each.ago_ms <= found->ago_ms)) {
          found = &each;
        }
      }
    }
    return found;
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
             .next =
                 is_refusal
                     ? "do what it says, and ask again"
                     : fmt::format(
                         "{} starts it; log/{}.log says why it ended", command("up"), each.name)});
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
             .next = "it takes no new work and ends once what it holds is answered"});
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
             .lasted = known == nullptr ? std::nullopt : span(known->busy_ms),
             .why = std::string{message_of(each.said.error())},
             .next = fmt::format(
                 "is its machine overloaded, or a handler of it stuck? log/{}.log says more",
                 each.name)});
      } else if (known != nullptr && known->draining.value_or(false)) {
        add(
            {.what = fmt::format("node {} is being stopped", each.name),
             .next = "it takes no new work and ends once what it has in hand is done"});
      }
    }
  }

  void find_gateways() {
    for (const std::string& each : all_.gateways) {
      if (const auto joined = brokers_of_gateway(all_, each); joined && joined->empty()) {
        add(
            {.what = fmt::format("gateway {} is logged in at no broker", each),
             .next =
                 fmt::format("{} starts it; log/{}.log says why it ended", command("up"), each)});
      }
    }
  }

  void add_away(const node_view& node, const wire::known_node& known) {
    std::vector<std::string> unserved;
    for (const capability_view& each : all_.capabilities) {
      const bool is_of =
          std::find(each.nodes.begin(), each.nodes.end(), node.name) != each.nodes.end();
      if (is_of && std::none_of(each.nodes.begin(), each.nodes.end(), [this](const auto& other) {
            const wire::known_node* const one = known_node(all_, other);
            return one != nullptr && one->live;
          })) {
        unserved.push_back(each.name);
      }
    }
    const auto* const refused = logged("login_refused", [&](const auto& fields) {
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
         .lasted = span(known.away_ms),
         .why = reason.empty() ? last_words(node.last_words)
                               : fmt::format("the broker refused it: {}", reason),
         .next =
             node.host == "here"
                 ? fmt::format(
                     "{} starts it; one that runs, or its service, does so by itself once the "
                     "reason is gone; log/{}.log says why it ended",
                     command("up"),
                     node.name)
                 : fmt::format(
                     "start it on {}; log/{}.log there says why it ended", node.host, node.name)});
  }

  /// Capabilities that take no calls though a node of theirs is there and well.
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
      const bool is_told = std::all_of(each.nodes.begin(), each.nodes.end(), [&](const auto& name) {
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

  /// Something that the groups of one or several capabilities tell in the same words.
  struct shared_matter {
    /// The nodes that tell, by capability, in order of the first.
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

  /// Notes databases that refuse turns, by reason, and outboxes that do not empty, by capability:
  /// nodes of a capability share its database, and databases a disk.
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
         .lasted = span(of.lasted_ms),
         .why = of.why,
         .next = next_for(
             of.why,
             fmt::format(
                 "log/{}.log says more (store.turn_failed)", of.places.front().second.front()))});
  }

  void add_stuck(const shared_matter& of) {
    if (!of.why.empty()) {
      return add(
          {.what = fmt::format("events of {} do not leave for the journal", of.where()),
           .lasted = span(of.lasted_ms),
           .why = of.why,
           .next = fmt::format("stop the system and ask {}", command("restore"))});
    }
    add(
        {.what = fmt::format(
             "{} of {} for the journal",
             count_of(of.count, "event", "events"),
             of.where() + (of.count == 1 ? " waits" : " wait")),
         .lasted = span(of.lasted_ms),
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
           .lasted = span(group.down_ms),
           .why = group.down_reason,
           .next = fmt::format(
               "mend the reason; what the node does not try again by itself, its restart does "
               "(log/{}.log)",
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
               "a handler of {} failed {} ago and was started anew",
               here,
               age_text(milliseconds{static_cast<std::int64_t>(last->ms_ago)})),
           .why = last->reason,
           .next = last->message ? fmt::format(
                       "the message in its hand was {}: the log has it", *last->message)
                                 : "the node's log has the message in its hand"});
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
           .lasted = span(group.breaker_open_ms),
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

  /// The journal answers what is asked of it, and cannot write.
  void find_failed_writes() {
    const auto* const told =
        logged("journal_write_failed", [](const auto& /*fields*/) { return true; });
    const auto* const again =
        logged("journal_written_again", [](const auto& /*fields*/) { return true; });
    const bool is_written = told != nullptr && again != nullptr && again->ago_ms <= told->ago_ms;
    if (told == nullptr
        || told->ago_ms > (is_written ? mended_write_kept_ms : write_failure_kept_ms)) {
      return;
    }
    const auto why = told->fields.find("why");
    const std::string reason = why == told->fields.end() ? "" : why->second;
    add(
        {.what = fmt::format(
             "the journal at broker {} could not be written {} ago",
             all_.journal_broker,
             age_text(milliseconds{static_cast<std::int64_t>(told->ago_ms)})),
         .why = reason,
         .next = next_for(
             reason, fmt::format("log/{}.log says more; it tries again", all_.journal_broker))});
  }

  /// A transaction that somebody has left open on the server of the journal.
  void find_old_transaction() {
    if (!all_.journal || all_.journal->oldest_ms.value_or(0) < old_transaction_ms) {
      return;
    }
    add(
        {.is = weight::waiting,
         .what = fmt::format(
             "a transaction has been open for {} on the server of the journal",
             age_text(milliseconds{static_cast<std::int64_t>(*all_.journal->oldest_ms)})),
         .why = "as long as it is, no dead row goes: tables that are written much grow, and all "
                "gets slower",
         .next = "SELECT pid, application_name, xact_start, query FROM pg_stat_activity ORDER BY "
                 "xact_start; says whose it is; pg_terminate_backend(pid) ends it"});
  }

  /// Brokers share the journal, and none of them has it.
  void find_lost_journal() {
    if (!all_.journal || !all_.journal_broker.empty()) {
      return;
    }
    add(
        {.what = "no broker has the journal: events wait in outboxes, publishers are refused",
         .why = !all_.journal->trouble.empty() ? all_.journal->trouble
                : all_.journal->broker.empty()
                    ? "none ever had it"
                    : fmt::format(
                        "{} took it last, and another one takes it within seconds",
                        all_.journal->broker),
         .next = all_.journal->trouble.empty()
                     ? "log/BROKER.log says why none takes it (journal_out_of_touch)"
                     : next_for(
                         all_.journal->trouble,
                         "see to the database server; the brokers try again by themselves")});
  }

  void find_events() {
    find_lost_journal();
    find_old_transaction();
    if (!all_.events) {
      const auto keeper =
          std::find_if(all_.brokers.begin(), all_.brokers.end(), [this](const auto& each) {
            return each.name == all_.journal_broker;
          });
      if (keeper != all_.brokers.end() && keeper->said) {
        add(
            {.what = fmt::format("the journal at broker {} does not answer", all_.journal_broker),
             .why = std::string{message_of(all_.events.error())},
             .next = fmt::format("log/{}.log says whether it can read", all_.journal_broker)});
      }
      return;
    }
    find_failed_writes();
    for (const wire::group_state& each : all_.events->groups) {
      if (each.trouble) {
        const auto* const told = logged("events_stopped", [&](const auto& fields) {
          const auto name = fields.find("capability");
          return name != fields.end() && name->second == each.capability;
        });
        add(
            {.what = fmt::format("{} gets no events", each.capability),
             .lasted = told == nullptr ? std::nullopt : span(told->ago_ms),
             .why = *each.trouble,
             .next = fmt::format("stop the system and ask {}", command("restore"))});
      } else if (each.lag > 0 && each.oldest_unacked_ms.value_or(0) >= lag_patience_ms) {
        add(
            {.is = weight::waiting,
             .what = fmt::format(
                 "{} is behind by {}", each.capability, count_of(each.lag, "event", "events")),
             .lasted = milliseconds{*each.oldest_unacked_ms},
             .why = each.nodes.empty()  ? "no node takes its events"
                    : each.retrying > 0 ? count_of(each.retrying, "failed and is", "failed and are")
                                              + " tried again"
                                        : "",
             .next = fmt::format("{} says where it stands", command("topics"))});
      }
    }
    for (const wire::group_state& each : all_.events->groups) {
      if (each.dead > 0) {
        add(
            {.is = weight::waiting,
             .what = fmt::format(
                 "{} of {}", count_of(each.dead, "dead letter", "dead letters"), each.capability),
             .next = fmt::format(
                 "`troupe dead-letters list {} --capability {}` says why they were given up",
                 all_.file,
                 each.capability)});
      }
    }
  }

  /// Open matters, which actors tell of themselves; each node of a database sees the same ones.
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

  void find_sagas() {
    for (trouble& each : saga_troubles_of(all_)) {
      add(std::move(each));
    }
  }

  void find_unsettled() {
    std::map<std::string, waiting_view> most;
    for (const waiting_view& each : all_.waiting) {
      waiting_view& of = most[each.capability];
      of.effects = std::max(of.effects, each.effects); // Each node of a database sees the same.
      of.has_more_effects = of.has_more_effects || each.has_more_effects;
    }
    for (const auto& [capability, each] : most) {
      if (each.effects > 0) {
        add(
            {.is = weight::waiting,
             .what = fmt::format(
                 "{} of effects of {} could not be written down yet",
                 at_least(each.effects, each.has_more_effects, "result", "results"),
                 capability),
             .next = fmt::format("`troupe effects list {} {}` says why", all_.file, capability)});
      }
    }
  }

  const system_view& all_;
  std::vector<trouble> found_;
  std::map<std::string, shared_matter> refusing_; // By reason.
  std::map<std::string, shared_matter> stuck_;    // By capability.
};

std::uint64_t count(const std::vector<trouble>& found, weight which) {
  return static_cast<std::uint64_t>(std::count_if(
      found.begin(), found.end(), [which](const trouble& each) { return each.is == which; }));
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
  const bool is_reached = std::any_of(
      all.brokers.begin(), all.brokers.end(), [](const auto& each) { return !!each.said; });
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
    return std::all_of(all.brokers.begin(), all.brokers.end(), refuses)
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

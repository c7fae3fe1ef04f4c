#include "nodes/broker_journal.hpp"

#include "nodes/broker_memory.hpp"
#include "runtime/broker/journal/journal.hpp"
#include "runtime/broker/journal/reader.hpp"
#include "runtime/broker/journal/tables.hpp"
#include "runtime/contains.hpp"
#include "runtime/store/postgres/address_book.hpp"
#include "runtime/store/postgres/database.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/departure.hpp"
#include "runtime/wire/flags.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>

namespace troupe {

namespace {

// Limit of a transaction during which the broker stalls: the other brokers need its lock to take
// over the journal.
constexpr milliseconds place_lease{4'000};
// A commit that is not answered in this time makes the broker give up the journal.
constexpr milliseconds statement_patience{5'000};

broker::retention_rule rule_of(const topology::retention_rule& rule) {
  return {rule.pattern, rule.keep, rule.bytes_max, rule.drop_unread};
}

/// The position after which a capability new to the journal begins.
/// @param reader opened for the first caller; while the journal is being opened, others wait for
/// it.
outcome<std::uint64_t> start_of(
    const topology::subscribe_start& start,
    const broker::journal_options& options,
    const broker::journal_state& state,
    std::unique_ptr<broker::journal_reader>& reader) {
  switch (start.from) {
  case topology::subscribe_start::place::newest:
    return state.last;
  case topology::subscribe_start::place::oldest:
    return 0;
  case topology::subscribe_start::place::time:
    break;
  }
  if (reader == nullptr) {
    TROUPE_TRY(reader, broker::journal_reader::open(options));
  }
  TROUPE_TRY(const auto answer, reader->answer(broker::ask_time{unix_millis(start.time)}));
  return std::get<broker::position_found>(answer).after;
}

bool is_known(const broker::journal_state& state, const std::string& capability) {
  return contains(state.cursors, capability, &broker::cursor_row::capability);
}

/// Opens the journal, and prepares what the event service of `plan` starts with.
outcome<broker::opened_journal> open_journal(
    const broker::journal_options& options,
    const clock& time,
    const topology::plan& plan,
    std::shared_ptr<const security::rules> rules,
    std::function<void()> wake) {
  broker::opened_journal opened;
  const broker::journal_state& state = opened.state;
  TROUPE_TRY(auto kept, broker::journal::open(options, time, std::move(wake), opened.state));
  broker::event_service_options& events = opened.events;
  const broker::event_window window = window_of(plan);
  std::unique_ptr<broker::journal_reader> reader;
  for (const topology::capability_plan& each : plan.capabilities) {
    if (each.subscribes.empty()) {
      continue;
    }
    broker::subscription_options subscription{
        .capability = each.name.value,
        .patterns = each.subscribes,
        .has_store = each.store.has_value(),
        .backoff = {each.retry.backoff_min, each.retry.backoff_max},
        .window = window,
        .body_bytes_max = wire::carried_bytes_max(static_cast<std::size_t>(plan.body_bytes_max))};
    if (!is_known(state, each.name.value)) {
      TROUPE_TRY(const auto start, start_of(each.subscribe_from, options, state, reader));
      subscription.start = start;
    }
    events.bus.subscriptions.push_back(std::move(subscription));
  }
  // The events of flags hold their values and their audit trail, so they are kept forever.
  events.rules.push_back({.pattern = std::string{wire::flag_topic}});
  for (const topology::retention_rule& each : plan.events.rules) {
    events.rules.push_back(rule_of(each));
  }
  events.rules.push_back(rule_of(plan.events.otherwise));
  events.bus.incoming.pending_bytes_max = shares_of(plan).events;
  events.bus.incoming.keeps_nul = !options.shared;
  events.body_bytes_max = static_cast<std::size_t>(plan.body_bytes_max);
  events.bus.rules = std::move(rules);
  events.kept = std::move(kept);
  return opened;
}

} // namespace

outcome<void> keep_journal(
    broker::server& server,
    const clock& time,
    const topology::plan& plan,
    std::shared_ptr<const security::rules> rules,
    std::function<void()> wake) {
  broker::journal_options options;
  options.path = topology::path_in(plan.events.journal);
  TROUPE_TRY(auto opened, open_journal(options, time, plan, std::move(rules), std::move(wake)));
  server.keep_journal(time, std::move(opened.events), opened.state);
  return {};
}

std::unique_ptr<broker::journal_keeper> journal_keeper_of(
    const topology::plan& plan,
    const topology::broker_plan& self,
    const uuid& incarnation,
    const clock& time,
    std::shared_ptr<const security::rules> rules,
    std::function<void()> wake) {
  broker::shared_journal place;
  // A primary that was cut off and not demoted yet confirms nothing, so after a failure the next
  // host is tried first.
  const auto first_host = std::make_shared<std::atomic<std::size_t>>(0);
  const auto addresses = std::make_shared<store::address_book>();
  place.connect = [url = plan.events.journal, system = plan.name, first_host, addresses] {
    return store::open_postgres(
        url,
        std::string{topology::journal_schema},
        {.capability = std::string{broker::journal_component},
         .system = system,
         .patience = statement_patience,
         .idle_limit = place_lease,
         .first_host = *first_host,
         .addresses = addresses});
  };
  place.dialect = &broker::postgresql_lease;
  place.owner = incarnation;
  place.name = self.name;
  place.endpoint = self.listen;
  const auto open = [place, &time, &plan, rules, wake, first_host](const broker::lease_seen& seen) {
    broker::journal_options options;
    options.shared = place;
    options.shared->seen = seen;
    auto opened = open_journal(options, time, plan, rules, wake);
    if (!opened && opened.error().code != errc::conflict) {
      ++*first_host;
    }
    return opened;
  };
  return std::make_unique<broker::journal_keeper>(
      broker::journal_keeper::options{place, open, wake}, time);
}

} // namespace troupe

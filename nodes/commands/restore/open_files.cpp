#include "nodes/commands/restore/open_files.hpp"

#include "nodes/commands/databases_on_server.hpp"
#include "nodes/commands/restore/in_use.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/store/turn/tables.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/events.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <system_error>
#include <utility>

namespace troupe {

namespace {

std::string file_of(const std::string& store) {
  return store.substr(store.find(':') + 1);
}

bool exists(const std::string& path) {
  std::error_code failed;
  return std::filesystem::exists(path, failed);
}

outcome<void> check_unused(const std::string& path) {
  const auto user = user_of(path);
  if (!user) {
    return {};
  }
  return failure{{
      .code = errc::unavailable,
      .message = fmt::format("{} is in use by the process {}", path, *user),
  }};
}

std::optional<broker::source_row>
row_of(const broker::journal_state& state, const database_history& database) {
  const auto found =
      std::find_if(state.sources.begin(), state.sources.end(), [&](const auto& each) {
        return each.capability == database.capability && each.instance == database.instance;
      });
  return found == state.sources.end() ? std::nullopt : std::optional{*found};
}

/// Reads what the database holds. Throws database_error.
void read_history(
    store::database& session, const broker::source_row& journal, database_history& to) {
  store::outbox outbox{session};
  to.instance = session.instance();
  to.newest = outbox.newest().first;
  to.oldest = to.newest == 0 ? 1 : outbox.oldest();
  to.mark = outbox.mark();
  to.id_at_taken = outbox.id_of(journal.taken);
  to.digest_at_taken = outbox.digest_between(journal.digest_from, journal.taken);
  outbox.read(to.mark.confirmed, to.mark.confirmed, [&](const store::outbox_view& row) {
    to.confirmed_event = {
        row.seq, row.id, std::string{row.topic}, std::string{row.key}, std::string{row.body}};
    return false;
  });
  store::subscriptions known{session};
  to.journal = known.journal();
  to.lives = known.lives();
  to.highest = known.highest();
  for (std::uint32_t i = 0; i < wire::partition_count; ++i) {
    const auto row = known.find(i);
    to.knows[i] = row.has_value();
    to.handled[i] = row.value_or(store::partition_row{}).handled;
  }
  to.postponed = known.waiting();
}

bool subscribes(const topology::capability_plan& capability, std::string_view topic) {
  return std::any_of(
      capability.subscribes.begin(), capability.subscribes.end(), [&](const std::string& pattern) {
        return wire::matches(pattern, topic);
      });
}

/// The journal as a capability meets it: its lives and end, the capability's cursor, and how far
/// retention has deleted of what it subscribes to.
journal_history
history_of(const broker::journal_state& state, const topology::capability_plan& capability) {
  journal_history found{state.instance, state.lives, state.last};
  for (const broker::cursor_row& each : state.cursors) {
    if (each.capability == capability.name.value) {
      found.cursor = each;
    }
  }
  for (const broker::topic_deletion& each : state.deletions) {
    if (each.topic.empty() || subscribes(capability, each.topic)) {
      found.deleted_to = std::max(found.deleted_to, each.upto);
    }
  }
  return found;
}

outcome<open_database> open_one(
    const topology::capability_plan& plan,
    const std::string& path,
    const broker::journal_state& journal,
    const clock& time) {
  const std::string& capability = plan.name.value;
  store::sqlite_options options;
  options.capability = capability;
  options.create = false;
  auto session = store::open_sqlite(path, options);
  if (!session) {
    return failure{std::move(session).error()};
  }
  auto gate = store::turnstile::open(path);
  if (!gate) {
    return failure{std::move(gate).error()};
  }
  if (auto locked = gate->lock(options.lock_patience); !locked) {
    return failure{std::move(locked).error()};
  }
  if (auto ready = store::migrate(**session, time, store::turn_components()); !ready) {
    return failure{std::move(ready).error()};
  }
  open_database opened{std::move(*gate), std::move(*session), {}, {}, {}};
  try {
    opened.history.capability = capability;
    opened.history.instance = opened.session->instance();
    const auto taken = row_of(journal, opened.history);
    read_history(*opened.session, taken.value_or(broker::source_row{}), opened.history);
    opened.outbox = reunite_outbox(opened.history, taken);
    opened.events = reunite_events(opened.history, history_of(journal, plan));
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  return opened;
}

/// The event that an outbox had confirmed last, and still has, may have been handled by some
/// capabilities before the journal that had it was lost. Then it is not sent again: those that have
/// not handled it get it alone.
void spare_confirmed_event(
    const topology::plan& plan,
    const open_files& all,
    const clock& time,
    open_database& of,
    broker::journal_batch& batch) {
  const auto& row = of.history.confirmed_event;
  const store::outbox_mark& mark = of.history.mark;
  if (of.outbox.fit != outbox_fit::journal_is_older || !row || mark.position == 0
      || of.outbox.then.taken + 1 != mark.confirmed) {
    return;
  }
  const std::uint32_t partition = wire::partition_of(row->key, row->id);
  std::vector<std::string> lacking;
  bool is_handled = false;
  for (const topology::capability_plan& each : plan.capabilities) {
    if (!subscribes(each, row->topic)) {
      continue;
    }
    const auto database =
        std::find_if(all.databases.begin(), all.databases.end(), [&](const open_database& other) {
          return other.history.capability == each.name.value;
        });
    if (database != all.databases.end()
        && has_handled(database->history, partition, mark.position)) {
      is_handled = true;
    } else {
      lacking.push_back(each.name.value);
    }
  }
  if (!is_handled) {
    return;
  }
  of.outbox.then.taken = mark.confirmed;
  begin_at(of.outbox.then, mark);
  for (const std::string& each : lacking) {
    auto made = std::make_shared<broker::event>();
    made->position = all.state.last + batch.events.size() + 1;
    made->id = row->id;
    made->topic = row->topic;
    made->key = row->key;
    made->body = row->body;
    made->source = of.history.capability;
    made->only_for = each;
    made->time = unix_millis(time.wall());
    made->partition = partition;
    batch.events.push_back(std::move(made));
  }
}

} // namespace

outcome<open_files> open_all(const topology::plan& plan, const clock& time) {
  if (auto files = check_all_files(plan, "put them back"); !files) {
    return failure{std::move(files).error()};
  }
  // The paths of capabilities, as far as they have a file.
  std::map<std::string, std::string> paths;
  for (const topology::capability_plan& each : plan.capabilities) {
    if (each.store && exists(file_of(*each.store))) {
      paths[each.name.value] = file_of(*each.store);
    }
  }
  broker::journal_options options;
  options.path = file_of(plan.events.journal);
  options.sqlite.create = false;
  if (auto unused = check_unused(options.path); !unused) {
    return failure{std::move(unused).error()};
  }
  for (const auto& [capability, path] : paths) {
    if (auto unused = check_unused(path); !unused) {
      return failure{std::move(unused).error()};
    }
  }
  open_files all;
  auto journal = broker::journal_writer::open(options, time, all.state);
  if (!journal) {
    return failure{std::move(journal).error()};
  }
  all.journal = std::move(*journal);
  for (const auto& [capability, path] : paths) {
    auto opened = open_one(*plan.find(capability_name{capability}), path, all.state, time);
    if (!opened) {
      return failure{std::move(opened).error()};
    }
    all.databases.push_back(std::move(*opened));
  }
  return all;
}

outcome<void> accept(const topology::plan& plan, open_files& all, const clock& time) {
  broker::journal_batch batch;
  for (open_database& each : all.databases) {
    if (each.events.found == events_reunion::finding::events_deleted) {
      batch.cursors.push_back(each.events.then);
    }
    if (each.outbox.fit == outbox_fit::fits) {
      continue;
    }
    spare_confirmed_event(plan, all, time, each, batch);
    batch.sources.push_back(each.outbox.then);
    batch.rewinds.push_back(
        {each.history.capability, each.history.instance, each.outbox.remembered});
  }
  if (!batch.empty()) {
    if (auto written = all.journal->write(batch); !written) {
      return written;
    }
  }
  try {
    for (open_database& each : all.databases) {
      store::transaction writing{*each.session};
      if (each.outbox.fit != outbox_fit::fits) {
        store::outbox{*each.session}.set_mark(
            {each.outbox.then.taken, each.outbox.then.taken_id, 0, each.outbox.then.digest});
      }
      if (each.events.found != events_reunion::finding::fits
          && each.events.found != events_reunion::finding::events_deleted) {
        store::subscriptions{*each.session}.go_back(
            all.state.instance, all.state.lives, each.events.shared);
      }
      writing.commit();
    }
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  return {};
}

} // namespace troupe

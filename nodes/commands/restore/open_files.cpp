#include "nodes/commands/restore/open_files.hpp"

#include "nodes/commands/restore/in_use.hpp"
#include "nodes/commands/transfer/locked_file.hpp"
#include "runtime/broker/journal/lease_table.hpp"
#include "runtime/broker/journal/opening.hpp"
#include "runtime/broker/journal/tables.hpp"
#include "runtime/store/postgres/database.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/store/turn/tables.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/events.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

// The lease of this command on the journal: short, so that a broker can take the journal as soon as
// the command has ended.
constexpr milliseconds command_lease{5'000};

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
  const auto found = std::ranges::find_if(state.sources, [&](const auto& each) {
    return each.capability == database.capability && each.instance == database.instance;
  });
  return found == state.sources.end() ? std::nullopt : std::optional{*found};
}

/// Reads the history that the database holds. Throws database_error.
void read_history(
    store::database& session, const broker::source_row& journal, database_history& to) {
  store::outbox outbox{session};
  to.instance = session.instance();
  to.newest = outbox.newest().first;
  to.oldest = to.newest == 0 ? 1 : outbox.oldest();
  to.mark = outbox.mark();
  to.id_at_taken = outbox.id_of(journal.taken);
  to.digest_at_taken = outbox.digest_between(journal.digest_from, journal.taken);
  outbox.read(to.mark.confirmed, to.mark.confirmed, 1, [&](const store::outbox_view& row) {
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
  return wire::matches_any(capability.subscribes, topic);
}

/// The journal from a capability's point of view: its lives and end, the capability's cursor, and
/// how far retention has deleted the topics it subscribes to.
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

/// A session with a database, and the writers' lock.
struct locked_session {
  store::gate gate;
  std::unique_ptr<store::database> session;
};

outcome<locked_session> open_file(const std::string& path, const std::string& capability) {
  store::sqlite_options options;
  options.capability = capability;
  options.create = false;
  TROUPE_TRY(auto session, store::open_sqlite(path, options));
  TROUPE_TRY(auto gate, store::turnstile::open(path));
  TROUPE_CHECK(gate.lock(options.lock_patience));
  return locked_session{store::gate{std::move(gate)}, std::move(session)};
}

outcome<std::unique_ptr<store::database>>
open_schema_of(const stored_database& what, const std::string& system) {
  store::postgres_options options = moving_options();
  // Refuse data that are being moved: an incomplete history tells nothing.
  options.is_moving = false;
  options.capability = what.owner_inside();
  options.system = system;
  options.create = false;
  return store::open_postgres(what.store, what.schema(), options);
}

outcome<locked_session> open_session_of(const stored_database& what, const std::string& system) {
  if (!topology::is_on_server(what.store)) {
    return open_file(topology::path_in(what.store), what.owner);
  }
  TROUPE_TRY(auto session, open_schema_of(what, system));
  return locked_session{{}, std::move(session)};
}

outcome<open_database> open_one(
    const stored_database& what,
    const topology::plan& plan,
    const broker::journal_state& journal,
    const clock& time,
    opening how) {
  TROUPE_TRY(auto found, open_session_of(what, plan.name));
  open_database opened{std::move(found.gate), std::move(found.session), {}, {}, {}};
  try {
    std::optional<store::transaction> taken_back;
    if (how == opening::to_look) {
      taken_back.emplace(*opened.session);
    }
    TROUPE_CHECK(
        how == opening::to_look
            ? store::migrate_within(*opened.session, time, store::turn_components())
            : store::migrate(*opened.session, time, store::turn_components()));
    opened.history.capability = what.owner;
    opened.history.instance = opened.session->instance();
    const auto taken = row_of(journal, opened.history);
    read_history(*opened.session, taken.value_or(broker::source_row{}), opened.history);
    opened.outbox = reunite_outbox(opened.history, taken);
    opened.events = reunite_events(
        opened.history, history_of(journal, *plan.find(capability_name{what.owner})));
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  return opened;
}

/// Opens a journal that brokers share, and that no broker holds.
outcome<broker::journal_options> shared_journal_of(
    const stored_database& what, const std::string& system, const clock& time, opening how) {
  broker::shared_journal place;
  place.connect = [what, system] { return open_schema_of(what, system); };
  place.dialect = &broker::postgresql_lease;
  place.lease = command_lease;
  place.owner = uuid_source{}.next(time.wall());
  place.name = "troupe restore";
  TROUPE_TRY(auto session, place.connect());
  try {
    std::optional<store::transaction> taken_back;
    if (how == opening::to_look) {
      taken_back.emplace(*session);
    }
    const auto components = broker::shared_journal_components();
    TROUPE_CHECK(
        how == opening::to_look ? store::migrate_within(*session, time, components)
                                : store::migrate(*session, time, components));
    place.seen = broker::lease_table{*session, *place.dialect}.look();
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  if (place.seen.is_attended && place.seen.left.count() > 0) {
    return failure{
        {.code = errc::unavailable,
         .message = fmt::format("the broker {} has the journal", place.seen.owner_name)}};
  }
  broker::journal_options options;
  options.shared = std::move(place);
  return options;
}

/// Opens the journal as a broker does, which starts a new life of it and takes the lease of a
/// shared one; or only reads it.
outcome<void> open_journal(
    const stored_database& what,
    const std::string& system,
    const clock& time,
    opening how,
    open_files& all) {
  broker::journal_options options;
  if (topology::is_on_server(what.store)) {
    TROUPE_TRY(options, shared_journal_of(what, system, time, how));
  } else {
    options.path = topology::path_in(what.store);
    options.sqlite.create = false;
  }
  if (how == opening::to_look) {
    TROUPE_TRY(all.state, broker::look_at_journal(options, time));
    return {};
  }
  TROUPE_TRY(all.journal, broker::journal_writer::open(options, time, all.state));
  return {};
}

/// Whether a database exists.
outcome<bool> is_there(const stored_database& what, open_files& all) {
  if (!topology::is_on_server(what.store)) {
    return has_file(topology::path_in(what.store));
  }
  try {
    return all.books->look_at(what.store, what.schema()).instance.has_value();
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
}

/// Refuses databases that any process has open.
outcome<void> check_all_unused(const std::vector<stored_database>& databases, open_files& all) {
  std::vector<std::string> urls;
  for (const stored_database& each : databases) {
    if (topology::is_on_server(each.store)) {
      urls.push_back(each.store);
    } else if (auto unused = check_unused(topology::path_in(each.store)); !unused) {
      return unused;
    }
  }
  if (urls.empty()) {
    return {};
  }
  TROUPE_TRY(auto books, server_books::open(urls));
  all.books.emplace(std::move(books));
  return all.books->check_unused();
}

/// The last event that an outbox had confirmed, and still has, may have been handled by some
/// capabilities before the journal that had it was lost. It is not sent to all again: only
/// capabilities that have not handled it get it.
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
    const auto database = std::ranges::find_if(all.databases, [&](const open_database& other) {
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

outcome<open_files> open_all(const topology::plan& plan, const clock& time, opening how) {
  open_files all;
  std::vector<stored_database> databases = stored_databases(plan);
  TROUPE_CHECK(check_all_unused(databases, all));
  const stored_database journal = std::move(databases.back());
  databases.pop_back();
  if (!topology::is_on_server(journal.store)) {
    const std::string path = topology::path_in(journal.store);
    TROUPE_TRY(const bool is_there, has_file(path));
    if (!is_there) {
      return failure{invalid(
          lost_database(path)
              ? fmt::format("the journal is gone: {} was here before", path)
              : fmt::format("there is no journal at {}: the system has not run here", path))};
    }
  }
  TROUPE_CHECK(open_journal(journal, plan.name, time, how, all));
  for (const stored_database& each : databases) {
    TROUPE_TRY(const auto there, is_there(each, all));
    if (!there) {
      const bool is_file = !topology::is_on_server(each.store);
      const std::string place = is_file ? topology::path_in(each.store) : each.store;
      all.absent.push_back({each.owner, place, is_file && lost_database(place).has_value()});
      continue;
    }
    TROUPE_TRY(auto one, open_one(each, plan, all.state, time, how));
    all.databases.push_back(std::move(one));
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
    TROUPE_CHECK(all.journal->write(batch));
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

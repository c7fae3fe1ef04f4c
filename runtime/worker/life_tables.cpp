#include "runtime/worker/life_tables.hpp"

#include "runtime/contains.hpp"
#include "runtime/saga/record.hpp"
#include "runtime/saga/state.hpp"
#include "runtime/store/blobs.hpp"
#include "runtime/store/turn/inbox.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/error_map.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

namespace {

template <class Told>
bool has(const std::vector<Told>& among, const uuid& id) {
  return contains(among, id, &Told::id);
}

/// The error in a record of a saga, in words.
std::string reason_in(saga::record_kind kind, std::string_view data) {
  if (kind != saga::record_kind::failed && kind != saga::record_kind::parked) {
    return {};
  }
  const auto why = wire::read_error(data);
  return why ? fmt::format("{}: {}", name_of(why->code), why->message) : std::string{};
}

std::string step_name(const actor_type* type, const std::string& operation, std::uint32_t step) {
  if (type != nullptr) {
    for (const saga::definition& each : type->sagas) {
      if (each.operation == operation && step < each.steps.size()) {
        return each.steps[step].name;
      }
    }
  }
  return fmt::format("step {}", step + 1);
}

bool names_step(saga::record_kind kind) {
  return kind != saga::record_kind::started && kind != saga::record_kind::completed
         && kind != saga::record_kind::compensated;
}

/// What is asked of one database, and where the answer goes. Each function adds what its table has.
struct asked_life {
  store::database& session;
  const std::string& capability;
  const actor_type* type;
  const uuid& id;
  wire::told_life& into;
};

void read_message(const asked_life& of) {
  auto take = [&](const store::row& row) {
    const bool is_pending =
        static_cast<store::inbox_state>(row.integer(1)) == store::inbox_state::pending;
    of.into.messages.push_back(
        {of.id,
         of.capability,
         std::string{row.text(0)},
         static_cast<std::int32_t>(row.integer(1)),
         {is_pending || row.is_null(2) ? std::string{} : std::string{store::text_of(row.bytes(2))}},
         std::string{row.text(3)},
         static_cast<std::int32_t>(row.integer(4)),
         static_cast<std::int32_t>(row.integer(5))});
  };
  of.session.query(
      "SELECT operation, state, reply, node, replica, attempt FROM inbox WHERE id = $1",
      take,
      of.id);
}

void read_saga(const asked_life& of) {
  if (!of.session.has_table("sagas")) {
    return;
  }
  std::optional<wire::saga_told> told;
  auto take = [&](const store::row& row) {
    told = wire::saga_told{
        of.id,
        of.capability,
        std::string{row.text(0)},
        std::string{name_of(static_cast<saga::phase>(row.integer(1)))},
        {}};
  };
  of.session.query("SELECT operation, phase FROM sagas WHERE id = $1", take, of.id);
  if (!told) {
    return;
  }
  auto take_record = [&](const store::row& row) {
    const auto kind = static_cast<saga::record_kind>(row.integer(1));
    told->records.push_back(
        {row.integer(0),
         std::string{name_of(kind)},
         names_step(kind)
             ? step_name(of.type, told->operation, static_cast<std::uint32_t>(row.integer(2)))
             : std::string{},
         static_cast<std::uint32_t>(row.integer(3)),
         row.is_null(4) ? std::string{} : reason_in(kind, store::text_of(row.bytes(4)))});
  };
  of.session.query(
      "SELECT at, kind, step, attempt, data FROM saga_journal WHERE saga = $1 ORDER BY seq",
      take_record,
      of.id);
  of.into.sagas.push_back(std::move(*told));
}

void read_effects(const asked_life& of) {
  auto take = [&](const store::row& row) {
    const uuid key = row.id(0);
    if (contains(of.into.effects, key, &wire::effect_told::key)) {
      return;
    }
    of.into.effects.push_back(
        {key,
         row.id(1),
         of.capability,
         std::string{row.text(2)},
         row.is_null(3) ? 0U : static_cast<std::uint32_t>(row.integer(3)),
         row.is_null(4) ? std::string{} : std::string{row.text(4)}});
  };
  of.session.query(
      of.session.has_table("unsettled")
          ? "SELECT effects.key, call, name, attempts, error FROM effects"
            " LEFT JOIN unsettled USING (key) WHERE effects.key = $1 OR call = $1"
          : "SELECT key, call, name, NULL, NULL FROM effects WHERE key = $1 OR call = $1",
      take,
      of.id);
}

void read_outbox(const asked_life& of) {
  if (has(of.into.events, of.id)) {
    return;
  }
  auto take = [&](const store::row& row) {
    of.into.events.push_back(
        {.id = of.id,
         .topic = std::string{row.text(0)},
         .key = std::string{row.text(1)},
         .source = of.capability,
         .at = row.is_null(2) ? unix_millis(of.id.born()) : row.integer(2),
         .is_timer = !row.is_null(2)});
  };
  of.session.query("SELECT topic, key, NULL FROM outbox WHERE id = $1", take, of.id);
  of.session.query("SELECT topic, key, due_at FROM timers WHERE id = $1", take, of.id);
}

void read_changes(const asked_life& of) {
  if (!of.session.has_table("snapshots")) { // The table `snapshots` is made together with `events`.
    return;
  }
  auto take = [&](const store::row& row) {
    const wire::change_told told{
        of.capability,
        row.id(0),
        row.integer(1),
        std::string{row.text(2)},
        row.integer(3),
        row.id(4)};
    if (std::ranges::none_of(of.into.changes, [&](const wire::change_told& each) {
          return each.stream == told.stream && each.version == told.version;
        })) {
      of.into.changes.push_back(told);
    }
  };
  of.session.query(
      "SELECT stream, version, type, at, cause FROM events WHERE stream = $1 ORDER BY version",
      take,
      of.id);
}

} // namespace

void read_life(
    store::database& session,
    const std::string& capability,
    const actor_type* type,
    const uuid& id,
    wire::told_life& into) {
  const asked_life of{session, capability, type, id, into};
  read_message(of);
  read_saga(of);
  read_effects(of);
  read_outbox(of);
  read_changes(of);
}

void read_delivery(
    store::database& session,
    std::uint32_t partition,
    std::uint64_t position,
    wire::delivery_told& told) {
  const auto handled =
      session.integer_of("SELECT handled FROM partitions WHERE partition = $1", partition);
  told.is_handled = handled && static_cast<std::uint64_t>(*handled) >= position;
  auto take = [&](const store::row& row) {
    told.is_handled = false;
    told.attempts = static_cast<std::uint32_t>(row.integer(0));
    told.is_dead = row.integer(1) != 0;
    told.reason = fmt::format("{}: {}", row.text(2), row.text(3));
  };
  session.query(
      "SELECT attempts, dead, cause, error FROM postponed WHERE position = $1 AND partition >= 0",
      take,
      position);
}

} // namespace troupe

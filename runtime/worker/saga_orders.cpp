#include "runtime/worker/saga_orders.hpp"

#include "runtime/contains.hpp"
#include "runtime/observe/trace_context.hpp"
#include "runtime/saga/journal.hpp"
#include "runtime/saga/transition.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/node_calls.hpp"
#include "runtime/wire/saga_words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace troupe {

namespace {

// The most of one answer: with every text at its limit it fits into the smallest body.
constexpr std::uint32_t listed_max = 100;
// The most sagas that one request may read and replay.
constexpr int looked_at_max = 1'000;
constexpr std::size_t reason_max = 300;
// The bodies of one history, and each of them.
constexpr std::size_t told_bytes_max = 256 * 1024;
constexpr std::size_t told_body_max = 8 * 1024;

std::string reason_of(std::string_view reason) {
  return wire::travelling(reason, reason_max);
}

/// A failure as a record has it.
std::string failure_text(std::string_view data) {
  const auto why = wire::read_error(data);
  return why ? fmt::format("{}: {}", name_of(why->code), why->message) : "";
}

/// The word for the state of a saga in its journal.
std::string state_of(const saga::state& at) {
  return saga::is_paused(at) ? "paused"
         : saga::is_queued(at) && at.now == saga::phase::forward
             ? "queued"
             : std::string{saga::name_of(at.now)};
}

/// Fills in the step at which a saga stands.
void add_step(wire::standing_saga& to, const saga::plan& by, const saga::state& at) {
  to.step = at.is_over() ? "" : saga::step_in_hand(by, at);
  to.effects = saga::standing_effects(by, at);
  to.earlier_steps = by.is_pinned();
}

/// Fills in why a parked saga was parked.
void add_reason(wire::standing_saga& to, const saga::state& at) {
  if (at.why_parked && at.now == saga::phase::parked) {
    to.code = name_of(at.why_parked->code);
    to.reason = reason_of(at.why_parked->message);
    to.maybe_done = at.why_parked->possible == effect::unknown;
  } else {
    to.code = name_of(errc::internal);
    to.reason = "an earlier release parked it and wrote no reason down";
    to.maybe_done = true;
  }
}

/// The sagas that a request is about.
class saga_list {
public:
  saga_list(wire::get_standing_sagas asked, turn_scope& in)
      : asked_{std::move(asked)}, in_{in}, journal_{in.session},
        born_before_{in.now - milliseconds{std::min(asked_.older_ms.value_or(0), older_max)}} {}

  wire::standing_sagas answer();

private:
  static constexpr std::uint64_t older_max = 1'000ULL * 86'400 * 36'500;

  bool wants(std::string_view state) const;
  bool is_wanted(const wire::standing_saga& said) const;
  void add_stored(saga::phase now);
  void add_running();
  void add_troubled();
  wire::standing_saga describe_stored(const saga::saga_row& row);
  std::optional<wire::standing_saga> describe_trouble(const uuid& id, const saga::trouble& its);
  wire::standing_saga describe_running(const uuid& id);

  /// Notes that only sagas up to this one were read.
  void look_no_further_than(const uuid& id) { end_ = end_ ? std::min(*end_, id) : id; }

  wire::get_standing_sagas asked_;
  turn_scope& in_;
  saga::journal_table journal_;
  wall_time born_before_;
  std::vector<wire::standing_saga> found_;
  std::optional<uuid> end_;
};

bool saga_list::wants(std::string_view state) const {
  if (!asked_.states || asked_.states->empty()) {
    return state == "parked" || state == "paused" || state == "failing" || state == "left_alone"
           || state == "needs_person";
  }
  return contains(*asked_.states, state);
}

bool saga_list::is_wanted(const wire::standing_saga& said) const {
  return wants(said.state) && (!asked_.step || wire::stands_at(said.step, *asked_.step))
         && asked_.operation.value_or(said.operation) == said.operation
         && said.id.born() <= born_before_;
}

wire::standing_sagas saga_list::answer() {
  wire::standing_sagas said{in_.of.name(), in_.of.parts().node, {}};
  if (in_.sagas == nullptr) {
    return said;
  }
  if (wants("parked") || wants("paused")) {
    add_stored(saga::phase::parked);
  }
  for (const saga::phase each : {saga::phase::completed, saga::phase::compensated}) {
    if (wants(saga::name_of(each))) {
      add_stored(each);
    }
  }
  if (wants("failing") || wants("left_alone")) {
    add_troubled();
  }
  if (wants("forward") || wants("undoing") || wants("queued") || wants("needs_person")) {
    add_running();
  }
  std::ranges::sort(found_, [](const auto& a, const auto& b) { return a.id < b.id; });
  const std::size_t count = std::clamp<std::uint32_t>(asked_.count, 1, listed_max);
  for (wire::standing_saga& each : found_) {
    if (end_ && *end_ < each.id) {
      break;
    }
    if (said.sagas.size() == count) {
      end_ = said.sagas.back().id;
      break;
    }
    said.sagas.push_back(std::move(each));
  }
  said.next = end_;
  if (const std::size_t waiting = in_.sagas->running().waiting(); waiting != 0) {
    said.queued = waiting;
  }
  return said;
}

void saga_list::add_stored(saga::phase now) {
  const auto rows = journal_.in_phase(now, asked_.after.value_or(uuid{}), looked_at_max);
  std::uint32_t listed = 0;
  for (const saga::saga_row& row : rows) {
    wire::standing_saga said = describe_stored(row);
    if (is_wanted(said)) {
      found_.push_back(std::move(said));
      if (++listed > asked_.count) { // One more than is told, so that there is a next one.
        return look_no_further_than(row.id);
      }
    }
  }
  if (rows.size() == looked_at_max) {
    look_no_further_than(rows.back().id);
  }
}

void saga_list::add_running() {
  std::vector<uuid> ids = in_.sagas->running().ids();
  std::ranges::sort(ids);
  for (const uuid& id : ids) {
    if (asked_.after.value_or(uuid{}) < id) {
      wire::standing_saga said = describe_running(id);
      if (is_wanted(said)) {
        found_.push_back(std::move(said));
      }
    }
  }
}

void saga_list::add_troubled() {
  std::vector<uuid> troubled;
  for (const auto& [id, its] : in_.sagas->standing_still().all()) {
    if (asked_.after.value_or(uuid{}) < id) {
      troubled.push_back(id);
    }
  }
  std::ranges::sort(troubled);
  int looked_at = 0;
  for (const uuid& id : troubled) {
    if (++looked_at > looked_at_max) {
      return look_no_further_than(id);
    }
    auto said = describe_trouble(id, *in_.sagas->standing_still().find(id));
    if (said && is_wanted(*said)) {
      found_.push_back(std::move(*said));
    }
  }
}

wire::standing_saga saga_list::describe_stored(const saga::saga_row& row) {
  wire::standing_saga said{
      .id = row.id, .operation = row.operation, .state = std::string{saga::name_of(row.now)}};
  std::string bytes;
  if (const auto last = journal_.last(row.id, bytes)) {
    said.since = unix_millis(last->second);
  }
  const auto found = in_.sagas->plans().read(in_.session, row);
  if (!found) {
    said.code = name_of(found.error().code);
    said.reason = reason_of(found.error().message);
    return said;
  }
  add_step(said, *found->by, found->current);
  if (row.now == saga::phase::parked) {
    said.state = found->current.now == saga::phase::parked ? state_of(found->current) : "parked";
    add_reason(said, found->current);
  } else if (row.now == saga::phase::compensated && found->current.why) {
    said.code = name_of(found->current.why->code);
    said.reason = reason_of(found->current.why->message);
  }
  return said;
}

/// The state of a saga with trouble in this process; nothing if it is over or parked, or goes on in
/// another process by now.
std::optional<wire::standing_saga>
saga_list::describe_trouble(const uuid& id, const saga::trouble& its) {
  const auto row = journal_.find(id);
  if (!row || row->now > saga::phase::undoing
      || (row->writer != in_.writer && !store::writers{in_.session}.is_fenced(row->writer))) {
    return std::nullopt;
  }
  const bool is_left_alone = its.failures == 0;
  wire::standing_saga said{
      .id = id,
      .operation = row->operation,
      .state = is_left_alone ? "left_alone" : "failing",
      .code = std::string{name_of(is_left_alone ? errc::conflict : errc::crashed)},
      .reason = reason_of(its.reason),
      .maybe_done = true,
      .failures = its.failures,
      .since = unix_millis(its.since)};
  if (const auto found = in_.sagas->plans().read(in_.session, *row)) {
    add_step(said, *found->by, found->current);
  }
  return said;
}

wire::standing_saga saga_list::describe_running(const uuid& id) {
  const saga::coordinator& which = *in_.sagas->running().find(id);
  const saga::plan* const by = which.by;
  const saga::state& at = which.current;
  wire::standing_saga said{
      .id = id,
      .operation = by->what().operation,
      .state = state_of(at),
      .since = unix_millis(id.born())};
  add_step(said, *by, at);
  for (const std::uint32_t step : saga::open_steps(at)) {
    const saga::tries& hand = at.steps[step].hand;
    said.maybe_done = said.maybe_done || saga::may_be_done(*by, at, step);
    const std::uint32_t failures = hand.attempt - (hand.in_flight ? 1U : 0U);
    if (hand.last_failure && failures >= said.failures) {
      said.code = name_of(*hand.last_failure);
      said.failures = failures;
    }
  }
  if (std::string need = in_.sagas->running().need_of(id, in_.now); !need.empty()) {
    said.state = "needs_person";
    said.reason = reason_of(need);
  }
  return said;
}

/// The body that a record tells of, as this program makes it.
std::string body_told(const saga::record& row, const saga::replayed* known, const uuid& id) {
  switch (row.kind) {
  case saga::record_kind::started:
    return std::string{row.data.substr(std::min(saga::start_prefix_bytes, row.data.size()))};
  case saga::record_kind::done:
    return std::string{row.data};
  case saga::record_kind::intent:
  case saga::record_kind::undo_intent:
    break;
  default:
    return {};
  }
  if (known == nullptr || row.step >= known->by->step_count()) {
    return {};
  }
  const bool undo = row.kind == saga::record_kind::undo_intent;
  if (!known->by->is_call(row.step)) {
    return {};
  }
  const std::uint32_t done_round = undo ? known->current.steps[row.step].round : row.round;
  const uuid done_id = known->by->command_id(id, row.step, false, done_round);
  const saga::call made{
      .as = {.step = row.step, .undo = undo, .round = row.round},
      .id = undo ? uuid{} : done_id,
      .undoes = undo ? done_id : uuid{}};
  return saga::body_of(*known->by, known->current, made).value_or("");
}

wire::saga_record
record_told(const saga::dated_record& from, const saga::replayed* known, const uuid& id) {
  wire::saga_record said{
      .seq = from.row.seq,
      .at = unix_millis(from.at),
      .what = std::string{saga::name_of(from.row.kind)},
      .round = from.row.round,
      .attempt = from.row.attempt,
      .epoch = from.epoch};
  if (known != nullptr && from.row.step < known->by->step_count()) {
    said.step = known->by->at(from.row.step).name;
  }
  if (from.row.kind == saga::record_kind::failed || from.row.kind == saga::record_kind::parked
      || from.row.kind == saga::record_kind::recalled) {
    said.note = failure_text(from.row.data);
  } else if (const auto due = saga::due_in(from.row.data);
             from.row.kind == saga::record_kind::intent && due) {
    said.note = fmt::format("waits until {}", utc_time_text(*due));
  } else if (from.row.kind == saga::record_kind::ordered) {
    if (const auto order = wire::checked_decode<saga::order>(from.row.data)) {
      said.note = fmt::format(
          "{}{} by {}: {}",
          wire::word_of(order->what),
          order->vouched ? " (vouched)" : "",
          order->who,
          order->why);
    }
  }
  std::string body = body_told(from.row, known, id);
  said.body_bytes = body.size();
  if (body.size() <= told_body_max) {
    said.body.bytes = std::move(body);
  }
  return said;
}

outcome<saga::order> order_in(const wire::order_saga& asked, const uuid& call) {
  const auto words = troupe_words(saga::verb{});
  const auto* const verb =
      std::ranges::find_if(words, [&](const auto& each) { return each.first == asked.verb; });
  if (verb == words.end()) {
    return failure{invalid(fmt::format(
        "there is no order `{}`; there are resume, retry, pause, park, skip and compensate",
        wire::travelling(asked.verb, 64)))};
  }
  if (asked.why.empty() || asked.why.size() > wire::why_bytes_max) {
    return failure{invalid(fmt::format(
        "`why` has {} bytes; say why, in 1 to {}", asked.why.size(), wire::why_bytes_max))};
  }
  return saga::order{
      verb->second,
      wire::travelling(asked.who, wire::who_bytes_max),
      asked.why,
      asked.step,
      asked.vouched,
      call};
}

/// Whether the saga has obeyed the same call before, whose answer was lost: the order may no longer
/// apply now.
/// @errors `conflict`: the call's id was another order's.
outcome<bool> has_obeyed(const uuid& id, const saga::order& wanted, turn_scope& in) {
  for (const std::string& data :
       saga::journal_table{in.session}.data_of(id, saga::record_kind::ordered)) {
    const auto before = wire::checked_decode<saga::order>(data);
    if (before && before->call == wanted.call) {
      if (*before != wanted) {
        return failure{error{
            .code = errc::conflict,
            .message =
                fmt::format("saga {} was given another order under this id", to_string(id))}};
      }
      return true;
    }
  }
  return false;
}

outcome<void> carry_out(
    const std::string& capability, const uuid& id, const saga::order& wanted, turn_scope& in) {
  if (in.sagas == nullptr) {
    return failure{rejected("no_saga", fmt::format("`{}` coordinates no sagas", capability))};
  }
  TROUPE_TRY(const auto before, has_obeyed(id, wanted, in));
  if (before) {
    return {};
  }
  auto done = in.sagas->obey(in.of_sagas(), id, wanted);
  if (done) {
    const auto row = saga::journal_table{in.session}.find(id);
    in.output.lines.push_back(
        {wanted.what == saga::verb::resume ? "saga.resumed" : "saga.ordered",
         {{"capability", in.of.name()},
          {"saga", to_string(id)},
          {"trace", observe::hex_of(observe::trace_of(row ? row->trace : std::string{}, id))},
          {"order", std::string{wire::word_of(wanted.what)}},
          {"by", wanted.who},
          {"why", wanted.why},
          {"command", wanted.vouched ? "under a new id" : "as it was"}}});
  }
  return done;
}

} // namespace

outcome<std::string> list_sagas(const item& order, turn_scope& in) {
  TROUPE_TRY(auto asked, wire::checked_decode<wire::get_standing_sagas>(order.body));
  return wire::encoded(saga_list{std::move(asked), in}.answer());
}

outcome<std::string> tell_saga(const item& order, turn_scope& in) {
  TROUPE_TRY(const auto asked, wire::checked_decode<wire::get_saga>(order.body));
  saga::journal_table journal{in.session};
  const auto row = in.sagas == nullptr ? std::nullopt : journal.find(asked.id);
  if (!row) {
    return failure{rejected("no_saga", fmt::format("there is no saga {}", to_string(asked.id)))};
  }
  wire::saga_history said{
      .capability = in.of.name(),
      .node = in.of.parts().node,
      .id = row->id,
      .operation = row->operation,
      .state = std::string{saga::name_of(row->now)},
      .step = {},
      .owner = journal.node_of(row->writer),
      .epoch = row->epoch,
      .unread = {},
      .effects = {},
      .records = {}};
  const auto found = in.sagas->plans().read(in.session, *row);
  if (found) {
    const bool is_legacy = row->now == saga::phase::parked && found->current.now != row->now;
    said.state = is_legacy ? said.state : state_of(found->current);
    said.step = found->current.is_over() ? "" : saga::step_in_hand(*found->by, found->current);
    said.deadline = unix_millis(found->current.deadline);
    said.earlier_steps = found->by->is_pinned();
    said.effects = saga::standing_effects(*found->by, found->current);
  } else {
    said.unread = reason_of(found.error().message);
  }
  std::vector<std::string> bytes;
  std::size_t told = 0;
  const auto nodes = journal.nodes_by_epoch(row->id);
  for (const saga::dated_record& each : journal.history(row->id, bytes)) {
    if (each.row.seq <= asked.after) {
      continue;
    }
    if (told > told_bytes_max || said.records.size() == listed_max) {
      said.next = said.records.back().seq;
      break;
    }
    said.records.push_back(record_told(each, found ? &*found : nullptr, row->id));
    if (const auto by = nodes.find(each.epoch); by != nodes.end()) {
      said.records.back().node = by->second;
    }
    told += said.records.back().body.bytes.size() + said.records.back().note.size();
  }
  return wire::encoded(said);
}

outcome<std::string> resume_saga(const item& order, turn_scope& in) {
  TROUPE_TRY(const auto asked, wire::checked_decode<wire::resume_saga>(order.body));
  const saga::order wanted{
      .what = saga::verb::resume,
      .who = wire::travelling(asked.who, wire::who_bytes_max),
      .why = "no reason given",
      .vouched = asked.anew,
      .call = order.id};
  return carry_out(asked.capability, asked.id, wanted, in).map([&] {
    return wire::encoded(wire::saga_resumed{asked.id, in.of.parts().node});
  });
}

outcome<std::string> order_saga(const item& order, turn_scope& in) {
  TROUPE_TRY(const auto asked, wire::checked_decode<wire::order_saga>(order.body));
  TROUPE_TRY(auto wanted, order_in(asked, order.id));
  TROUPE_CHECK(carry_out(asked.capability, asked.id, wanted, in));
  wire::saga_ordered said{.id = asked.id, .node = in.of.parts().node};
  if (const saga::coordinator* const found = in.sagas->running().find(asked.id)) {
    said.state = state_of(found->current);
    said.step = found->current.is_over() ? "" : saga::step_in_hand(*found->by, found->current);
  }
  return wire::encoded(said);
}

std::string
sagas_trouble(const saga::coordinators& sagas, store::database& session, wall_time now) {
  const auto standing = sagas.standing_now(now);
  std::vector<std::string> parts;
  const auto add = [&](std::uint64_t count, std::string_view what) {
    if (count != 0) {
      parts.push_back(fmt::format("{} {}", count, what));
    }
  };
  add(saga::journal_table{session}.parked_count(), "parked");
  add(standing.failing, "failing");
  add(standing.left_alone, "left alone");
  add(standing.earlier_steps, wire::follow_earlier_steps);
  if (!standing.full.empty()) {
    parts.push_back(fmt::format("new ones of `{}` are refused, as too many wait", standing.full));
  }
  if (standing.need_person != 0) {
    parts.push_back(fmt::format("{} need a person: {}", standing.need_person, standing.need));
  }
  return reason_of(fmt::to_string(fmt::join(parts, "; ")));
}

void tell_earlier_steps(saga::coordinators& sagas, const std::string& capability, turn_output& to) {
  for (const saga::plan* by : sagas.plans().take_untold()) {
    const std::vector<std::string> gone = by->gone();
    to.lines.push_back(
        {"saga.earlier_steps",
         {{"capability", capability},
          {"operation", by->what().operation},
          {"steps", fmt::format("{:016x}", by->fingerprint())},
          {"what",
           gone.empty() ? std::string{"sagas go on by the steps that they were started under"}
                        : fmt::format(
                            "sagas go on by the steps that they were started under, and stand "
                            "still where they need {}: this program does not have them",
                            fmt::join(gone, ", "))}}});
  }
}

} // namespace troupe

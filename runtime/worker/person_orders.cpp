#include "runtime/worker/person_orders.hpp"

#include "runtime/saga/journal.hpp"
#include "runtime/store/turn/unsettled.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/node_calls.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>

namespace troupe {

namespace {

// The most of one answer: with every text at its limit it fits into the smallest body.
constexpr std::uint32_t answers_max = 100;
constexpr std::size_t reason_bytes_max = 300;

std::string reason_text(std::string_view reason) {
  return wire::travelling(reason, reason_bytes_max);
}

int count_in(std::uint32_t asked) {
  return static_cast<int>(std::clamp<std::uint32_t>(asked, 1, answers_max));
}

/// Says of a saga what is known of the step it stands at.
void add_step(wire::standing_saga& to, const saga::plan& by, const saga::state& at) {
  const bool undo = at.now == saga::phase::undoing
                    || (at.now == saga::phase::parked && at.before_parked == saga::phase::undoing);
  to.step = fmt::format("{} {}", undo ? "undo" : "do", by.at(at.current).name);
}

wire::standing_saga describe_parked(const saga::saga_row& row, turn_scope& in) {
  wire::standing_saga said{.id = row.id, .operation = row.operation, .state = "parked"};
  std::string bytes;
  if (const auto last = saga::journal_table{in.session}.last(row.id, bytes)) {
    said.since = unix_millis(last->second);
  }
  const auto at = in.sagas->read(in.session, row);
  if (!at) {
    said.code = name_of(at.error().code);
    said.reason = reason_text(at.error().message);
    return said;
  }
  add_step(said, *in.sagas->find(row.operation), *at);
  if (at->why_parked && at->now == saga::phase::parked) {
    said.code = name_of(at->why_parked->code);
    said.reason = reason_text(at->why_parked->message);
    said.maybe_done = at->why_parked->possible == effect::unknown;
  } else {
    said.code = name_of(errc::internal);
    said.reason = "an earlier release parked it and wrote no reason down";
    said.maybe_done = true;
  }
  return said;
}

/// What is known of a saga with trouble in this process; nothing if it is over or parked, or goes
/// on in another process by now.
std::optional<wire::standing_saga>
describe_trouble(const uuid& id, const saga::trouble& its, turn_scope& in) {
  const auto row = saga::journal_table{in.session}.find(id);
  if (!row || row->now > saga::phase::undoing
      || (row->writer != in.writer && !store::writers{in.session}.is_fenced(row->writer))) {
    return std::nullopt;
  }
  const bool is_left_alone = its.failures == 0;
  wire::standing_saga said{
      .id = id,
      .operation = row->operation,
      .state = is_left_alone ? "left_alone" : "failing",
      .code = std::string{name_of(is_left_alone ? errc::conflict : errc::crashed)},
      .reason = reason_text(its.reason),
      .maybe_done = true,
      .failures = its.failures,
      .since = unix_millis(its.since)};
  if (const auto at = in.sagas->read(in.session, *row)) {
    add_step(said, *in.sagas->find(row->operation), *at);
  }
  return said;
}

outcome<std::string> list_sagas(const item& order, turn_scope& in) {
  const auto asked = wire::checked_decode<wire::get_standing_sagas>(order.body);
  if (!asked) {
    return failure{asked.error()};
  }
  wire::standing_sagas answer{in.of.name(), in.of.parts().node, {}};
  if (in.sagas == nullptr) {
    return wire::encoded(answer);
  }
  const uuid after = asked->after.value_or(uuid{});
  const int count = count_in(asked->count);
  for (const saga::saga_row& row : saga::journal_table{in.session}.parked(after, count)) {
    answer.sagas.push_back(describe_parked(row, in));
  }
  std::vector<uuid> troubled;
  for (const auto& [id, its] : in.sagas->standing_still().all()) {
    if (after < id) {
      troubled.push_back(id);
    }
  }
  std::sort(troubled.begin(), troubled.end());
  int described = 0;
  for (auto id = troubled.begin(); id != troubled.end() && described < count; ++id) {
    if (auto said = describe_trouble(*id, *in.sagas->standing_still().find(*id), in)) {
      answer.sagas.push_back(std::move(*said));
      ++described;
    }
  }
  std::sort(answer.sagas.begin(), answer.sagas.end(), [](const auto& a, const auto& b) {
    return a.id < b.id;
  });
  if (answer.sagas.size() >= static_cast<std::size_t>(count)) {
    answer.sagas.resize(static_cast<std::size_t>(count));
    answer.next = answer.sagas.back().id;
  }
  return wire::encoded(answer);
}

outcome<std::string> resume_saga(const item& order, turn_scope& in) {
  const auto asked = wire::checked_decode<wire::resume_saga>(order.body);
  if (!asked) {
    return failure{asked.error()};
  }
  const uuid& id = asked->id;
  if (in.sagas == nullptr) {
    return failure{
        rejected("no_saga", fmt::format("`{}` coordinates no sagas", asked->capability))};
  }
  auto done = in.sagas->resume_by_person(
      in.session, in.writer, id, asked->anew, in.now, in.began, in.output);
  if (!done) {
    return failure{std::move(done).error()};
  }
  in.output.lines.push_back(
      {"saga.resumed",
       {{"capability", in.of.name()},
        {"saga", to_string(id)},
        {"by", wire::travelling(asked->who, wire::who_bytes_max)},
        {"command", asked->anew ? "under a new id" : "as it was"}}});
  return wire::encoded(wire::saga_resumed{id, in.of.parts().node});
}

outcome<std::string> list_effects(const item& order, turn_scope& in) {
  const auto asked = wire::checked_decode<wire::get_unsettled_effects>(order.body);
  if (!asked) {
    return failure{asked.error()};
  }
  wire::unsettled_effects answer{in.of.name(), in.of.parts().node, {}};
  const int count = count_in(asked->count);
  for (store::unsettled_row& row :
       store::unsettled{in.session}.list(asked->after.value_or(uuid{}), count)) {
    answer.effects.push_back(
        {row.key,
         row.call,
         std::move(row.name),
         row.is_left_alone ? "left_alone" : "unsettled",
         row.attempts,
         row.is_left_alone ? "the programs that took its owner's work over have no such effect"
                           : reason_text(row.error),
         unix_millis(row.since)});
  }
  if (answer.effects.size() == static_cast<std::size_t>(count)) {
    answer.next = answer.effects.back().key;
  }
  return wire::encoded(answer);
}

outcome<std::string> settle_effects(const item& order, turn_scope& in) {
  const auto asked = wire::checked_decode<wire::settle_effects>(order.body);
  if (!asked) {
    return failure{asked.error()};
  }
  wire::effects_tried answer;
  for (store::effect_row& row : store::effects{in.session}.of(in.writer)) {
    if (row.unsettled && (!asked->key || *asked->key == row.key)) {
      ++answer.tried;
      in.output.items.push_back(result_of(row.key, *std::move(row.unsettled)));
    }
  }
  if (answer.tried != 0) {
    in.output.lines.push_back(
        {"effects.retried",
         {{"capability", in.of.name()},
          {"by", wire::travelling(asked->who, wire::who_bytes_max)},
          {"results", fmt::to_string(answer.tried)}}});
  }
  return wire::encoded(answer);
}

struct named_order {
  std::string_view name;
  outcome<std::string> (*run)(const item&, turn_scope&);
  outcome<std::string> (*capability)(std::string_view body);
};

template <wire::message Order>
outcome<std::string> capability_of(std::string_view body) {
  return wire::checked_decode<Order>(body).map([](const Order& order) { return order.capability; });
}

constexpr std::array<named_order, 4> orders{{
    {"sagas", list_sagas, capability_of<wire::get_standing_sagas>},
    {"resume_saga", resume_saga, capability_of<wire::resume_saga>},
    {"effects", list_effects, capability_of<wire::get_unsettled_effects>},
    {"settle_effects", settle_effects, capability_of<wire::settle_effects>},
}};

const named_order* find(std::string_view operation) {
  const auto* const found = std::find_if(
      orders.begin(), orders.end(), [&](const auto& each) { return each.name == operation; });
  return found == orders.end() ? nullptr : found;
}

} // namespace

bool is_person_order(std::string_view operation) {
  return find(operation) != nullptr;
}

std::string_view person_order_named(std::string_view operation) {
  return find(operation)->name;
}

outcome<std::string> capability_in(std::string_view operation, std::string_view body) {
  return find(operation)->capability(body);
}

void run_person_order(write& each, turn_scope& in) {
  if (fail_if_late(each, in.began)) {
    return;
  }
  auto said = find(each.what->operation)->run(*each.what, in);
  if (!said) {
    return fail(each, said.error());
  }
  each.result = {answer::kind::ok, std::move(*said)};
}

} // namespace troupe

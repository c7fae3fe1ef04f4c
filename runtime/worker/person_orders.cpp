#include "runtime/worker/person_orders.hpp"

#include "runtime/store/turn/timers.hpp"
#include "runtime/store/turn/unsettled.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/life_calls.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/node_calls.hpp"
#include "runtime/wire/timer_calls.hpp"
#include "runtime/worker/life_tables.hpp"
#include "runtime/worker/saga_orders.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>

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

outcome<std::string> list_effects(const item& order, turn_scope& in) {
  TROUPE_TRY(const auto asked, wire::checked_decode<wire::get_unsettled_effects>(order.body));
  wire::unsettled_effects answer{in.of.name(), in.of.parts().node, {}};
  const int count = count_in(asked.count);
  for (store::unsettled_row& row :
       store::unsettled{in.session}.list(asked.after.value_or(uuid{}), count)) {
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
  TROUPE_TRY(const auto asked, wire::checked_decode<wire::settle_effects>(order.body));
  wire::effects_tried answer;
  for (store::effect_row& row : store::effects{in.session}.of(in.writer)) {
    if (row.unsettled && (!asked.key || *asked.key == row.key)) {
      ++answer.tried;
      in.output.items.push_back(result_of(row.key, *std::move(row.unsettled)));
    }
  }
  if (answer.tried != 0) {
    in.output.lines.push_back(
        {"effects.retried",
         {{"capability", in.of.name()},
          {"by", wire::travelling(asked.who, wire::who_bytes_max)},
          {"results", fmt::to_string(answer.tried)}}});
  }
  return wire::encoded(answer);
}

outcome<std::string> list_timers(const item& order, turn_scope& in) {
  TROUPE_TRY(const auto asked, wire::checked_decode<wire::get_timers>(order.body));
  using limits = std::numeric_limits<std::int64_t>;
  wire::timers_found answer{in.of.name(), in.of.parts().node, {}};
  const int count = count_in(asked.count);
  const auto found = store::timers{in.session}.waiting(
      asked.from.value_or(limits::min()),
      asked.after.value_or(limits::min()),
      asked.before.value_or(limits::max()),
      count);
  for (const store::waiting_timer& each : found) {
    answer.events.push_back(
        {.id = each.id,
         .due_at = each.due_at,
         .topic = each.topic,
         .key = each.key,
         .body_bytes = each.body_bytes});
  }
  if (found.size() == static_cast<std::size_t>(count)) {
    answer.next_from = found.back().due_at;
    answer.next = found.back().n;
  }
  return wire::encoded(answer);
}

/// The most that is left of texts in an answer about many ids.
constexpr std::size_t life_reply_bytes_max = 1'024;
constexpr std::size_t life_records_max = 60;

/// Leaves out what has no room beside the others: large replies, and the first records of sagas.
void shorten(wire::told_life& said) {
  for (wire::message_told& each : said.messages) {
    if (each.reply.bytes.size() > life_reply_bytes_max) {
      each.reply.bytes.clear();
      said.is_cut = true;
    }
  }
  for (wire::saga_told& each : said.sagas) {
    if (each.records.size() > life_records_max) {
      each.records.erase(
          each.records.begin(), each.records.end() - static_cast<std::ptrdiff_t>(life_records_max));
      said.is_cut = true;
    }
    for (wire::saga_record_told& record : each.records) {
      record.reason = reason_text(record.reason);
    }
  }
}

outcome<std::string> tell_life(const item& order, turn_scope& in) {
  TROUPE_TRY(const auto asked, wire::checked_decode<wire::get_life>(order.body));
  if (asked.ids.size() > answers_max || asked.places.size() > answers_max) {
    return failure{invalid(fmt::format("{} ids and places are the most", answers_max))};
  }
  const std::string& name = in.of.name();
  wire::told_life said{name, in.of.parts().node};
  for (const uuid& id : asked.ids) {
    read_life(in.session, name, &in.of.type(), id, said);
  }
  for (const wire::event_place& each : asked.places) {
    wire::delivery_told& told = said.deliveries.emplace_back();
    told.capability = name;
    read_delivery(in.session, each.partition, each.position, told);
  }
  shorten(said);
  return wire::encoded(said);
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

constexpr std::array<named_order, 8> orders{{
    {"sagas", list_sagas, capability_of<wire::get_standing_sagas>},
    {"saga", tell_saga, capability_of<wire::get_saga>},
    {"resume_saga", resume_saga, capability_of<wire::resume_saga>},
    {"order_saga", order_saga, capability_of<wire::order_saga>},
    {"effects", list_effects, capability_of<wire::get_unsettled_effects>},
    {"settle_effects", settle_effects, capability_of<wire::settle_effects>},
    {"life", tell_life, capability_of<wire::get_life>},
    {"timers", list_timers, capability_of<wire::get_timers>},
}};

const named_order* find(std::string_view operation) {
  const auto* const found =
      std::ranges::find_if(orders, [&](const auto& each) { return each.name == operation; });
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

#include "tests/broker/events/group/capability_model.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace troupe::broker {

bool capability_model::work(process& who, std::uint64_t items) {
  turn at;
  at.report.capability = "orders";
  for (; items > 0 && !who.inbox.empty(); --items) {
    const to_worker next = std::move(who.inbox.front());
    who.inbox.pop_front();
    if (const auto* const order = std::get_if<send_assign>(&next)) {
      flush(who, at);
      take(who, *order);
    } else if (const auto* const gone = std::get_if<send_dead>(&next)) {
      for (const std::uint64_t each : gone->positions) {
        forget(each);
      }
    } else if (!handle(who, *std::get<event_ref>(next), at)) {
      flush(who, at);
      return false;
    }
  }
  flush(who, at);
  return true;
}

void capability_model::flush(process& who, turn& at) {
  for (const std::uint32_t each : at.touched) {
    at.report.upto.push_back({each, db.partitions[each].handled});
  }
  if (!at.report.upto.empty() || !at.report.waiting.empty() || !at.report.done.empty()) {
    who.outbox.emplace_back(who.said_as, at.report);
  }
  at.touched.clear();
  at.report.upto.clear();
  at.report.waiting.clear();
  at.report.done.clear();
}

void capability_model::take(process& who, const send_assign& order) {
  wire::assigned answer;
  answer.capability = "orders";
  answer.epoch = order.epoch;
  for (const wire::progress& each : order.partitions) {
    database::partition& of = db.partitions[each.partition];
    if (of.epoch >= order.epoch) {
      continue;
    }
    if (!of.is_known) {
      of.is_known = true;
      of.handled = each.position;
    }
    of.epoch = order.epoch;
    who.epochs[each.partition] = order.epoch;
    wire::partition_state& state = answer.partitions.emplace_back();
    state.partition = each.partition;
    state.handled = of.handled;
    for (const auto& [position, row] : of.rows) {
      state.waiting.push_back(row);
    }
  }
  who.outbox.emplace_back(who.said_as, std::move(answer));
}

void capability_model::forget(std::uint64_t position) {
  database::partition& of = db.partitions[journal[position - 1]->partition];
  if (of.rows.erase(position) == 0 && position > of.handled) {
    if (position % 2 == 0) { // A worker may do either.
      of.handled = position;
    } else {
      db.dead.insert(position);
    }
  }
}

bool capability_model::handle(process& who, const event& what, turn& at) {
  database::partition& of = db.partitions[what.partition];
  const auto epoch = who.epochs.find(what.partition);
  if (epoch == who.epochs.end() || epoch->second != of.epoch) {
    return true; // Fenced.
  }
  const auto row = of.rows.find(what.position);
  const bool is_first = what.position > of.handled;
  if (!is_first && row == of.rows.end()) {
    at.touched.insert(what.partition);
    return true;
  }
  if (is_first) {
    if (db.dead.contains(what.position)) {
      of.handled = what.position;
      at.touched.insert(what.partition);
      return true;
    }
    if (is_behind(of, what)) {
      postpone(of, what, {.position = what.position, .cause = {}, .error = {}}, at);
      return true;
    }
  } else {
    BOOST_REQUIRE_MESSAGE(!is_behind(of, what), "not the first of its key");
    BOOST_REQUIRE(!row->second.dead);
  }
  return run(of, what, at);
}

bool capability_model::run(database::partition& of, const event& what, turn& at) {
  const auto row = of.rows.find(what.position);
  const bool is_first = row == of.rows.end();
  wire::postponed said =
      is_first ? wire::postponed{.position = what.position, .cause = {}, .error = {}} : row->second;
  switch (natures[what.position]) {
  case nature::poison:
    return false;
  case nature::refused:
    ++said.attempts;
    said.dead = true;
    said.cause = "rejected";
    postpone(of, what, said, at);
    return true;
  case nature::flaky:
    if (said.attempts < tries[what.position]) {
      ++said.attempts;
      said.dead = said.attempts == 3;
      said.cause = "transient";
      postpone(of, what, said, at);
      return true;
    }
    break;
  case nature::good:
    break;
  }
  BOOST_REQUIRE_MESSAGE(++db.effects[what.position] == 1, "handled twice");
  if (!what.key.empty()) {
    BOOST_REQUIRE_MESSAGE(db.last_of_key[what.key] < what.position, "out of order");
    db.last_of_key[what.key] = what.position;
  }
  if (is_first) {
    of.handled = what.position;
    at.touched.insert(what.partition);
  } else {
    of.rows.erase(row);
    at.report.done.push_back(what.position);
  }
  return true;
}

void capability_model::postpone(
    database::partition& of, const event& what, const wire::postponed& said, turn& at) {
  of.rows[what.position] = said;
  at.report.waiting.push_back(said);
  if (what.position > of.handled) {
    of.handled = what.position;
    at.touched.insert(what.partition);
  }
}

bool capability_model::is_behind(const database::partition& of, const event& what) const {
  return !what.key.empty() && std::ranges::any_of(of.rows, [&](const auto& each) {
    return each.first < what.position && journal[each.first - 1]->key == what.key;
  });
}

} // namespace troupe::broker

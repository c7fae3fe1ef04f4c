#pragma once

#include "runtime/broker/events/group/subscriber.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>
#include <variant>

namespace troupe::broker {

using namespace std::chrono_literals;
namespace utf = boost::unit_test;

inline constexpr login_id s1{11};
inline constexpr login_id s2{12};
inline constexpr login_id s3{13};

/// A group whose time, workers and journal are the test's. Workers answer ASSIGN at once with what
/// the group believes, unless told otherwise.
struct subscriber_fixture {
  quarantine alone;
  cut_links own_cuts;
  /// Shared with another group of the same workers, which hears of them first.
  cut_links* cuts = &own_cuts;
  std::map<login_id, uuid> processes;
  std::uint64_t followed = 0;
  login_id kept_free{nowhere};
  std::optional<subscriber> tested;
  instant now{1h};
  bool answers_assign = true;
  int incarnations = 0;
  std::vector<std::pair<login_id, std::uint64_t>> delivered;
  std::vector<send_assign> assigns;
  std::vector<send_dead> told;
  std::vector<new_dead_letter> dead_letters;
  std::vector<std::uint64_t> asked_for;
  std::vector<login_id> isolated;
  std::vector<login_id> released;
  std::vector<std::string> events;

  subscriber_fixture() {
    alone.join(quarantine::work::calls); // A turn is granted by `grant`.
    begin({});
  }

  void
  begin(subscriber_options options, std::uint64_t start = 0, std::vector<std::uint64_t> dead = {}) {
    options.capability = "orders";
    options.patterns = {"order.*", "stock.low"};
    options.epoch_base = 7;
    std::array<std::uint64_t, 64> from{};
    from.fill(start);
    tested.emplace(options, from, dead, alone, *cuts);
  }

  static event_ref at(std::uint64_t position, std::uint32_t partition = 0, std::string key = "k") {
    auto made = std::make_shared<event>();
    made->position = position;
    made->partition = partition;
    made->key = std::move(key);
    made->time = static_cast<std::int64_t>(1'000 + position);
    made->id.bytes[0] = std::byte{static_cast<unsigned char>(position)};
    made->topic = "order.created";
    return made;
  }

  void carry_out(event_decisions& out) {
    auto decided = std::exchange(out, {});
    for (const log_event& each : decided.log) {
      events.push_back(each.name);
    }
    for (const new_dead_letter& each : decided.dead_letters) {
      dead_letters.push_back(each);
    }
    if (followed != alone.changes()) {
      followed = alone.changes();
      if (kept_free != login_id{nowhere}) {
        released.push_back(kept_free);
      }
      kept_free = alone.node();
      if (kept_free != login_id{nowhere}) {
        isolated.push_back(kept_free);
      }
    }
    for (const event_action& each : decided.actions) {
      if (const auto* one = std::get_if<deliver_event>(&each)) {
        delivered.emplace_back(one->to, one->what->position);
      } else if (const auto* order = std::get_if<send_assign>(&each)) {
        assigns.push_back(*order);
        if (answers_assign) {
          answer(*order);
        }
      } else if (const auto* gone = std::get_if<send_dead>(&each)) {
        told.push_back(*gone);
      } else if (const auto* wanted = std::get_if<fetch_events>(&each)) {
        asked_for.insert(asked_for.end(), wanted->positions.begin(), wanted->positions.end());
      }
    }
  }

  void answer(const send_assign& order) {
    wire::assigned state{
        .capability = "orders", .epoch = order.epoch, .partitions = {}, .refused = {}};
    for (const wire::progress& each : order.partitions) {
      state.partitions.push_back({each.partition, each.position, {}});
    }
    assigned(order.to, state);
  }

  /// The answer for one partition alone.
  void answer(
      const send_assign& order,
      std::uint32_t partition,
      std::uint64_t handled,
      std::vector<wire::postponed> waiting = {}) {
    assigned(order.to, {"orders", order.epoch, {{partition, handled, std::move(waiting)}}, ""});
  }

  void assigned(login_id from, const wire::assigned& state) {
    event_decisions out;
    tested->assigned(from, state, now, out);
    carry_out(out);
  }

  /// `incarnation` 0: a new process.
  void join(login_id who, std::string_view node, std::uint32_t credit = 10, int incarnation = 0) {
    event_decisions out;
    uuid id;
    id.bytes[0] = std::byte{static_cast<unsigned char>(incarnation)};
    id.bytes[1] = std::byte{static_cast<unsigned char>(incarnation == 0 ? ++incarnations : 0)};
    if (cuts == &own_cuts) {
      cuts->came_back(id, {});
    }
    processes[who] = id;
    tested->joined(who, node, id, credit, now, out);
    carry_out(out);
  }

  void leave(login_id who, bool is_blamed) {
    event_decisions out;
    if (cuts == &own_cuts) {
      cuts->ended(who, processes[who], now);
    }
    tested->left(who, is_blamed, now, out);
    carry_out(out);
  }

  void give_credit(login_id who, std::uint32_t credit) {
    event_decisions out;
    tested->credit(who, credit, now, out);
    carry_out(out);
  }

  void offer(const event_ref& what) {
    event_decisions out;
    tested->offer(what, now, out);
    carry_out(out);
  }

  void handle(
      login_id from,
      std::uint64_t upto,
      std::vector<wire::postponed> waiting = {},
      std::vector<std::uint64_t> done = {},
      std::uint32_t partition = 0) {
    event_decisions out;
    wire::handled report{"orders", {}, std::move(waiting), std::move(done)};
    if (upto != 0) {
      report.upto.push_back({partition, upto});
    }
    tested->handled(from, report, now, out);
    carry_out(out);
  }

  void write_dead_letters() {
    std::vector<std::uint64_t> positions;
    for (const new_dead_letter& each : dead_letters) {
      positions.push_back(each.letter.what->position);
    }
    event_decisions out;
    tested->dead_letters_written(positions, now, out);
    carry_out(out);
  }

  void grant(login_id who) {
    if (alone.node() != who) {
      return;
    }
    alone.emptied(quarantine::work::calls);
    followed = alone.changes();
    event_decisions out;
    tested->follow_quarantine(now, out);
    carry_out(out);
  }

  void fetched(const std::vector<event_ref>& found, const std::vector<std::uint64_t>& missing) {
    event_decisions out;
    tested->fetched(found, missing, now, out);
    carry_out(out);
  }

  void advance(milliseconds by) {
    now += by;
    event_decisions out;
    tested->tick(now, out);
    carry_out(out);
  }

  std::vector<std::uint64_t> take_delivered() {
    std::vector<std::uint64_t> positions;
    for (const auto& [to, position] : std::exchange(delivered, {})) {
      positions.push_back(position);
    }
    return positions;
  }

  static wire::postponed failed(
      std::uint64_t position,
      std::uint32_t attempts,
      bool is_dead = false,
      std::string cause = "transient") {
    return {position, attempts, is_dead, std::move(cause), "it is down", 2};
  }
};

using positions = std::vector<std::uint64_t>;

} // namespace troupe::broker

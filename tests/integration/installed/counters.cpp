#include "counters.hpp"

#include "runtime/actor/actor.hpp"
#include "runtime/actor/reservations.hpp"

#include <array>

namespace counters {

namespace {

using troupe::outcome;
using troupe::turn;
using troupe::saga::facts;
using troupe::wire::operation;

constexpr std::array schema{
    troupe::store::migration{1, "counters", R"sql(
CREATE TABLE counters (name TEXT PRIMARY KEY, much BIGINT NOT NULL) WITHOUT ROWID;
)sql"},
    troupe::store::migration{2, "reservations", troupe::reserved_table}};

counted value_of(troupe::store::database& session, const std::string& name) {
  return {name, session.integer_of("SELECT much FROM counters WHERE name = $1", name).value_or(0)};
}

void add(const amount& what, std::int64_t much, turn& turn) {
  turn.database().execute(
      "INSERT INTO counters (name, much) VALUES ($1, $2) "
      "ON CONFLICT (name) DO UPDATE SET much = counters.much + excluded.much",
      what.counter,
      much);
}

outcome<counted> take(const amount& what, turn& turn) {
  if (value_of(turn.database(), what.counter).much + what.much < 0) {
    return troupe::failure{troupe::rejected("too_little", what.counter + " has not as much.")};
  }
  add(what, what.much, turn);
  return value_of(turn.database(), what.counter);
}

class counter_actor final : public troupe::actor {
public:
  explicit counter_actor(const troupe::context&) {
    command("add", [this](const amount& what, turn& turn) {
      return added_.reserve(what.of, what, turn);
    });
    command("take", [this](const amount& what, turn& turn) {
      added_.release(what.of, turn);
      return what;
    });
    query("get", [](const counted& which, troupe::store::database& session) {
      return value_of(session, which.counter);
    });
  }

private:
  const troupe::reservations<amount, counted> added_{
      "added", take, [](const amount& what, turn& turn) { add(what, -what.much, turn); }};
};

troupe::saga::step adds(const std::string& name, bool takes) {
  const auto made = [name, takes](const wish& of, const facts& known) {
    return amount{
        troupe::derived_id(known.saga, name), takes ? of.from : of.to, takes ? -of.much : of.much};
  };
  return troupe::saga::undone_by<wish>(
      troupe::saga::calls<wish>(name, operation<amount, counted>{"counter", "add"}, made),
      operation<amount, amount>{"counter", "take"},
      made);
}

} // namespace

troupe::actor_type counter() {
  return troupe::type_of<counter_actor>("counter", schema);
}

troupe::saga::definition move() {
  return {
      .operation = "move",
      .steps = {adds("out", true), adds("in", false)},
      .accept = troupe::saga::decodable<wish>()};
}

} // namespace counters

std::vector<troupe::actor_type> troupe::registered_types() {
  return {counters::counter(), saga_type("moves", {counters::move()})};
}

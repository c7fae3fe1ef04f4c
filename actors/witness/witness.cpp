#include "actors/witness/witness.hpp"

#include "actors/witness/messages.hpp"

#include <csignal>
#include <fmt/format.h>
#include <stdexcept>

namespace troupe::witness {

namespace {

outcome<void> obey(const sight& what, const event_info& event) {
  const std::string act = what.act.value_or("see");
  if (act == "reject") {
    return failure{rejected("unwanted", fmt::format("sight {} was to be rejected", what.n))};
  }
  if (act == "throw") {
    throw std::runtime_error{fmt::format("asked to throw at sight {}", what.n)};
  }
  if (act == "crash") {
    (void)std::raise(SIGKILL);
  }
  if (act == "fail" && event.attempt <= what.times.value_or(1)) {
    return failure{
        {.code = errc::unavailable,
         .message = fmt::format("sight {}, try {}: not yet", what.n, event.attempt)}};
  }
  return {};
}

} // namespace

witness_actor::witness_actor(const context& context) {
  const std::string node = context.node;
  const std::string echo_to = context.config<witness_options>().echo_to.value_or("");
  on("*", [node, echo_to](const sight& what, turn& turn, const event_info& event) -> outcome<void> {
    // Write the row before the fault: a turn that is undone must leave no trace.
    turn.database().execute(
        "INSERT INTO sights (event_id, position, topic, key, n, node, attempt) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        event.id,
        static_cast<std::int64_t>(event.position),
        event.topic,
        event.key,
        what.n,
        std::string_view{node},
        event.attempt);
    if (what.act == "effect") {
      (void)turn.effect("look", what);
    }
    if (!echo_to.empty()) {
      turn.publish(echo_to, what, event.key);
    }
    return obey(what, event);
  });
  effect<sight>(
      "look",
      [](const sight& what, const effect_call&) -> outcome<sight> { return what; },
      [](const sight& what, const outcome<sight>&, turn& turn) {
        turn.database().execute("INSERT INTO effects_seen (effect_key) VALUES ($1)", turn.id());
        return what;
      });
  command("publish", [](const publish_sights& request, turn& turn) {
    for (std::int64_t i = 0; i < request.count; ++i) {
      const std::string key = fmt::format("{}{}", request.key, i % request.keys);
      const sight what{request.first + i / request.keys, {}, {}};
      if (request.after) {
        turn.publish_after(*request.after, request.topic, what, key);
      } else {
        turn.publish(request.topic, what, key);
      }
    }
    return sights_published{request.count};
  });
  publishes<sight>("*");
  query("count", [](const count_sights&, store::database& session) {
    return sight_count{session.integer_of("SELECT COUNT(*) FROM sights").value_or(0)};
  });
}

} // namespace troupe::witness

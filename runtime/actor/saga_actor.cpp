#include "runtime/actor/saga_actor.hpp"

namespace troupe {

saga_actor::saga_actor(std::vector<saga::plan> plans) : sagas_{std::move(plans)} {
  for (const saga::plan& each : sagas_.plans().all()) {
    for (const saga::step& step : each.what().steps) {
      if (step.act == saga::step_act::wait) {
        hear(each.what(), step);
      }
    }
  }
}

void saga_actor::hear(const saga::definition& of, const saga::step& waits) {
  const auto tell = [this, &of, &waits](std::string_view body, turn& turn) {
    return sagas_.tell(turn.database(), of.operation, waits, body, turn.now());
  };
  if (!waits.operation.empty()) {
    declare_command(
        waits.operation,
        handlers::command{
            [tell](std::string_view body, turn& turn, std::string& reply) {
              return tell(body, turn).map([&](const uuid& saga) {
                wire::encode(reply, answer_taken{saga});
                return handlers::answered::now;
              });
            },
            {waits.hears.type, &wire::message_shape_of<answer_taken>()}});
  }
  if (!waits.topic.empty()) {
    declare_event(
        waits.topic,
        handlers::event{
            [this, tell](std::string_view body, const event_info&, turn& turn) -> outcome<void> {
              const auto told = tell(body, turn);
              if (told) {
                return {};
              }
              // An event tells what happened, to whom it may concern: a saga that does not wait for
              // it, or not any more, is no fault.
              if (told.error().code == errc::rejected) {
                sagas_.unheard();
                return {};
              }
              return failure{told.error()};
            },
            waits.hears.type});
  }
}

} // namespace troupe

#include "runtime/actor/saga_actor.hpp"

#include "runtime/actor/saga_list.hpp"
#include "runtime/saga/journal.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

constexpr std::int64_t listed_max = 10'000;

listed_sagas page_of(const list_sagas& request, store::database& session) {
  listed_sagas page;
  const auto count = std::clamp<std::int64_t>(request.count, 1, listed_max);
  saga::journal_table journal{session};
  for (saga::due_saga& each :
       journal.page(request.after.value_or(uuid{}), static_cast<int>(count))) {
    page.sagas.push_back(
        {each.id,
         std::move(each.operation),
         std::string{saga::name_of(each.now)},
         unix_millis(each.due)});
  }
  return page;
}

} // namespace

saga_actor::saga_actor(std::vector<saga::plan> plans) : sagas_{std::move(plans)} {
  for (const saga::plan& each : sagas_.plans().all()) {
    for (const saga::step& step : each.what().steps) {
      if (step.act == saga::step_act::wait) {
        hear(each.what(), step);
      }
    }
  }
  query("sagas", [](const list_sagas& request, store::database& session) {
    return page_of(request, session);
  });
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

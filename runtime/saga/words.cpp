#include "runtime/saga/words.hpp"

#include "runtime/thrown.hpp"
#include "runtime/wire/envelope.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe::saga {

namespace {

// By then a node of a release that can read the saga may be back.
constexpr milliseconds unread_wait{1'000};

/// The saga is one of another release, or its journal is damaged. Either may be true only of this
/// program and now, so no inbox may keep the answer and no event may end by it.
error unread_here(std::string_view saga, const error& why) {
  return {
      .code = errc::unavailable,
      .message = fmt::format(
          "saga {} cannot be told anything by this program, which cannot read it ({}); ask again "
          "under the same id",
          saga,
          why.message),
      .retry_after = unread_wait};
}

/// A bug of the definition's author refuses this message and nothing else: anybody may publish an
/// event that triggers it, and an exception thrown further would end the coordinator with all its
/// sagas.
outcome<heard> said_by(const word& to) {
  try {
    return to.waits.hears.read(to.body);
  } catch (...) {
    return failure{invalid(fmt::format(
        "reading what step `{}` of `{}` waits for failed: {}",
        to.waits.name,
        to.operation,
        what_was_thrown()))};
  }
}

} // namespace

outcome<uuid> tell_step(store::database& session, plan_book& plans, const word& to, wall_time now) {
  TROUPE_TRY(auto said, said_by(to));
  const std::string id = to_string(said.saga);
  journal_table journal{session};
  const auto row = journal.find(said.saga);
  if (!row || row->operation != to.operation) {
    return failure{
        rejected("no_saga", fmt::format("there is no saga {} of `{}`", id, to.operation))};
  }
  const bool stands = row->now == phase::parked || row->now == phase::forward;
  const auto found = stands ? plans.read(session, *row) : outcome<replayed>{failure{error{}}};
  if (stands && !found) {
    return failure{unread_here(id, found.error())};
  }
  if (!stands || is_turned_back(found->current)) {
    return failure{rejected(
        row->now > phase::undoing && row->now != phase::parked ? "over" : "undoing",
        fmt::format("saga {} does not wait any more: it is {}", id, name_of(row->now)))};
  }
  for (std::uint32_t i = 0; i < found->by->step_count(); ++i) {
    const bool is_waiting = found->current.steps[i].status == step_status::untouched
                            || found->current.steps[i].status == step_status::asked;
    if (found->by->at(i).name != to.waits.name || !is_waiting) {
      continue;
    }
    told_step told{said.saga, to.waits.name, {}, std::string{to.body}};
    if (said.refusal) {
      wire::append_error(told.refusal, *said.refusal);
    }
    if (journal.tell(told, now)) {
      return said.saga;
    }
  }
  return failure{rejected(
      "answered", fmt::format("step `{}` of saga {} has its answer already", to.waits.name, id))};
}

std::optional<event>
word_to(store::database& session, const plan& by, const state& current, std::uint32_t step) {
  const step_state& waits = current.steps[step];
  const asked as{.step = step, .undo = false, .round = waits.round, .attempt = waits.hand.attempt};
  auto told = journal_table{session}.take_told(current.saga, by.at(step).name);
  if (!told) {
    return std::nullopt;
  }
  if (told->refusal.empty()) {
    return answered{as, std::move(told->body)};
  }
  auto why = wire::read_error(told->refusal);
  return failed{as, why ? std::move(*why) : std::move(why).error()};
}

} // namespace troupe::saga

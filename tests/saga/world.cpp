#include "tests/saga/world.hpp"

#include "runtime/wire/envelope.hpp"

#include <utility>

namespace troupe::saga::test {

world::world(definition from, const faults& wrong, std::uint64_t seed, flaw broken)
    : saga_{std::move(from)}, wrong_{wrong}, dice_{seed}, broken_{broken} {
  later(0ms, event{started{.input = "in", .must_wait = wrong_.queued}});
  if (wrong_.recalled_at) {
    later(*wrong_.recalled_at, recall{});
  }
  dice person{~seed};
  for (int i = 0; i < wrong_.orders; ++i) {
    constexpr verb verbs[] = {verb::pause, verb::park, verb::resume, verb::retry, verb::compensate};
    later(
        milliseconds{person.below(person.percent(50) ? 300 : 10'000)},
        event{ordered{{.what = verbs[person.below(5)], .who = "ann", .why = "some reason"}}});
  }
}

void world::later(milliseconds delay, matter what, std::optional<std::uint32_t> slot) {
  if (slot) {
    timers_[*slot] = order_;
  }
  queue_.push(
      {.at = now_ + delay,
       .order = order_++,
       .what = std::move(what),
       .epoch = epoch_,
       .slot = slot});
}

/// Whether it is a timer that a worker would not have any more.
bool world::is_void(const happening& next) const {
  if (!next.slot || !wrong_.keeps_one_timer) {
    return false;
  }
  const auto last = timers_.find(*next.slot);
  return last == timers_.end() || last->second != next.order;
}

void world::run() {
  for (int turns = 0; !queue_.empty() && turns < 20'000; ++turns) {
    happening next = queue_.top();
    queue_.pop();
    now_ = next.at;
    if (is_void(next)) {
      continue;
    }
    if (auto* to_saga = std::get_if<event>(&next.what)) {
      happen(std::move(*to_saga), next.epoch == epoch_);
    } else if (auto* arriving = std::get_if<request>(&next.what)) {
      arrive(*arriving);
    } else if (const auto* said = std::get_if<word>(&next.what)) {
      say(*said);
    } else if (std::holds_alternative<recall>(next.what)) {
      look_for_recall();
    } else {
      take_over();
    }
  }
}

void world::take_over() {
  alive_ = true;
  ++epoch_;
  timers_.clear();
  if (saga_.rows.empty()) {
    // Nothing was promised; whoever asked asks again.
    saga_.current = state{saga_.by, saga_.current.saga};
    later(0ms, event{started{.input = "in", .must_wait = wrong_.queued}});
    return;
  }
  saga_.current = *replay(saga_.by, saga_.current.saga, saga_.prefix(saga_.rows.size()));
  happen(taken_over{}, true);
  if (alive_ && is_queued(saga_.current)) {
    later(50ms, event{admitted{}});
  }
}

/// Who wants a saga undone has it written down beside it: its owner looks once in a while, and
/// turns it back, also if it is over.
void world::look_for_recall() {
  const state& now = saga_.current;
  if (now.now == phase::compensated || (alive_ && is_turned_back(now))) {
    return;
  }
  if (alive_ && now.next_seq > 1) {
    happen(recalled{}, true);
  }
  later(1'000ms, recall{});
}

void world::happen(event what, bool of_this_owner) {
  const bool is_answer =
      std::holds_alternative<answered>(what) || std::holds_alternative<failed>(what);
  // Answers to a dead owner's calls may well reach the next one; its timers cannot.
  const bool is_order = std::holds_alternative<ordered>(what);
  if (!alive_ || (!of_this_owner && !is_order && !(is_answer && dice_.percent(50)))) {
    return;
  }
  const std::size_t rows_before = saga_.rows.size();
  const std::size_t boundaries_before = saga_.boundaries.size();
  saga_.now = wall();
  const bool is_first = std::holds_alternative<started>(what);
  saga_.give(std::move(what));
  const bool scripted = wrong_.die_at == decisions_++;
  const bool dies = scripted || chance(wrong_.coordinator_dies);
  const bool unwritten = dies && (scripted ? wrong_.die_before_journal : dice_.percent(50));
  if (unwritten) {
    saga_.rows.resize(rows_before);
    saga_.boundaries.resize(boundaries_before);
    die();
    return;
  }
  epochs_.resize(saga_.rows.size(), epoch_);
  if (!saga_.rows.empty()) {
    const auto replayed = replay(saga_.by, saga_.current.saga, saga_.prefix(saga_.rows.size()));
    replay_differed_ = replay_differed_ || !replayed || *replayed != saga_.current;
  }
  const std::size_t all = saga_.actions.size();
  std::size_t count = all;
  if (dies) {
    count = scripted ? std::min(all, wrong_.acts_before_death)
                     : static_cast<std::size_t>(dice_.below(static_cast<int>(all) + 1));
  }
  for (std::size_t i = 0; i < count; ++i) {
    carry_out(saga_.actions[i]);
  }
  if (is_first && is_queued(saga_.current)) {
    later(milliseconds{dice_.below(2'000)}, event{admitted{}});
  }
  if (saga_.current.is_over() || saga_.current.now == phase::parked) {
    timers_.clear();
  }
  if (dies) {
    die();
  }
}

void world::die() {
  alive_ = false;
  later(milliseconds{wrong_.die_at ? 10 : dice_.below(3'000)}, takeover{});
}

void world::carry_out(const action& what) {
  if (const auto* wanted = std::get_if<call>(&what)) {
    send(*wanted);
  } else if (const auto* pause = std::get_if<timer>(&what)) {
    later(pause->delay, event{timer_due{.step = pause->step, .token = pause->token}}, pause->step);
  } else if (const auto* waits = std::get_if<listen>(&what)) {
    if (said_.contains(waits->as.step)) {
      later(0ms, word{waits->as.step});
    } else if (spoken_to_.insert(waits->as.step).second || now_ >= heals_at) {
      later(milliseconds{dice_.below(chance(wrong_.slow) ? 5'000 : 300)}, word{waits->as.step});
    }
  } else if (const auto* watch = std::get_if<watch_deadline>(&what)) {
    later(watch->delay, event{deadline_reached{}}, saga_.by.step_count());
  } else if (const auto* end = std::get_if<finish>(&what)) {
    answer_ = end->answer ? "ok " + *end->answer : std::string{name_of(end->answer.error().code)};
  } else if (std::holds_alternative<park>(what)) {
    answer_ = "parked";
    // A person comes by after all is repaired, and again in case the first visit was in vain.
    for (int visit = 1; wrong_.person && resumed_ < 10 && visit <= 2; ++visit) {
      later(heals_at * visit, event{retry_by_operator{}});
    }
    ++resumed_;
  }
}

void world::send(const call& what) {
  const auto fail_in = [&](milliseconds delay, errc code, effect possible) {
    later(delay, event{failed{what.as, {.code = code, .possible = possible, .message = "fault"}}});
  };
  if (chance(wrong_.refused_on_the_way)) {
    constexpr errc codes[] = {
        errc::overloaded,
        errc::unavailable,
        errc::circuit_open,
        errc::unavailable,
        errc::unauthenticated,
        errc::forbidden};
    fail_in(milliseconds{dice_.below(20)}, codes[dice_.below(6)], effect::none);
    return;
  }
  if (chance(wrong_.lost)) {
    fail_in(
        what.timeout, errc::deadline_exceeded, dice_.percent(50) ? effect::none : effect::unknown);
    return;
  }
  if (chance(wrong_.crashed)) {
    // Before the turn's commit, or after it.
    const bool committed = dice_.percent(50);
    if (committed) {
      later(1ms, request{.what = what, .mute = true});
    }
    fail_in(5ms, errc::crashed, committed ? effect::unknown : effect::none);
    return;
  }
  const bool slow = chance(wrong_.slow);
  const milliseconds delay{slow ? dice_.below(15'000) : dice_.below(50)};
  const bool mute = chance(wrong_.reply_lost);
  later(delay, request{.what = what, .mute = mute});
  if (chance(wrong_.repeated)) {
    later(delay + milliseconds{dice_.below(10'000)}, request{.what = what, .mute = false});
  }
  if (mute || delay + 20ms >= what.timeout) {
    fail_in(what.timeout, errc::deadline_exceeded, effect::unknown);
  }
}

void world::arrive(const request& what) {
  outcome<std::string> answer = handle(what.what);
  if (what.mute) {
    return;
  }
  const milliseconds delay{dice_.below(chance(wrong_.slow) ? 5'000 : 20)};
  if (answer) {
    later(delay, event{answered{what.what.as, *std::move(answer)}});
  } else {
    later(delay, event{failed{what.what.as, std::move(answer).error()}});
  }
}

/// The first word counts. It is kept beside the journal, so an owner that is dead hears it later.
void world::say(const word& what) {
  const bool may_be_no = saga_.by.at(what.step).kind == step_kind::compensatable;
  const bool is_no = may_be_no && (chance(wrong_.step_refused) || wrong_.refuse_step == what.step);
  if (is_turned_back(saga_.current) || saga_.current.is_over()) {
    return;
  }
  said_.try_emplace(
      what.step,
      is_no ? outcome<std::string>{failure{rejected("step", "no")}} : outcome<std::string>{"yes"});
  if (!alive_ || saga_.current.now != phase::forward || !is_open(saga_.current, what.step)) {
    return;
  }
  const step_state& waits = saga_.current.steps[what.step];
  const asked as{
      .step = what.step, .undo = false, .round = waits.round, .attempt = waits.hand.attempt};
  const outcome<std::string>& word_said = said_.at(what.step);
  if (word_said) {
    happen(answered{as, *word_said}, true);
  } else {
    happen(failed{as, word_said.error()}, true);
  }
}

/// A participant's turn: one transaction of inbox, tombstone and effect.
outcome<std::string> world::handle(const call& what) {
  if (const auto known = inbox_.find(what.id); known != inbox_.end() && broken_ != flaw::no_inbox) {
    return known->second;
  }
  outcome<std::string> answer{"did " + std::to_string(what.as.step)};
  if (what.as.undo) {
    if (chance(wrong_.undo_refused)) {
      answer = failure{rejected("undo", "not now")};
    } else {
      tombstones_.insert(what.undoes);
      if (in_place_.erase(what.undoes) > 0) {
        effects_.push_back({.step = what.as.step, .undo = true});
      }
    }
  } else if (tombstones_.contains(what.id) && broken_ != flaw::no_tombstones) {
    answer = failure{rejected("undone", "its undo came first")};
  } else if (chance(wrong_.step_refused) || wrong_.refuse_step == what.as.step) {
    answer = failure{rejected("step", "no")};
  } else {
    in_place_.insert(what.id);
    effects_.push_back({.step = what.as.step, .undo = false});
  }
  inbox_.emplace(what.id, answer);
  return answer;
}

history world::past() const {
  history past;
  for (const step& each : saga_.by.what().steps) {
    past.kinds.push_back(each.kind);
    past.is_call.push_back(each.act == step_act::call);
    past.stages.push_back(saga_.by.stage_of(static_cast<std::uint32_t>(past.stages.size())).first);
  }
  for (std::size_t i = 0; i < saga_.rows.size(); ++i) {
    const kept_record& kept = saga_.rows[i];
    journal_row row{
        .seq = kept.row.seq, .epoch = epochs_[i], .kind = kept.row.kind, .step = kept.row.step};
    if (row.kind == record_kind::failed || row.kind == record_kind::parked) {
      const auto why = wire::read_error(kept.data);
      row.maybe_done = !why || why->possible == effect::unknown;
    }
    past.journal.push_back(row);
  }
  past.effects = effects_;
  return past;
}

} // namespace troupe::saga::test

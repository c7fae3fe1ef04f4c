#include "runtime/saga/coordinators.hpp"

#include "runtime/saga/commands.hpp"
#include "runtime/saga/words.hpp"
#include "runtime/store/turn/faults.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/thrown.hpp"
#include "runtime/wire/check.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::saga {

namespace {

/// A bug of the definition's author fails this call and no other: nothing was written yet and no
/// saga was touched, so the coordinator need not start again.
outcome<void> is_accepted(const plan& by, std::string_view input) {
  try {
    return by.what().accept(input);
  } catch (...) {
    return failure{error{
        .code = errc::crashed,
        .message = fmt::format(
            "looking at the input of `{}` failed: {}", by.what().operation, what_was_thrown())}};
  }
}

// The pause before the caller asks again. Not all that wait now will have begun by then, but asking
// costs little.
constexpr milliseconds full_wait{1'000};

error queue_is_full(const definition& of) {
  return {
      .code = errc::overloaded,
      .message = fmt::format(
          "{} sagas of `{}` wait for their turn at this node, and no more may (`queue` of its "
          "`config`, {} run at once); nothing was begun, ask again under the same id",
          of.queue,
          of.operation,
          of.at_once),
      .retry_after = full_wait,
      .details = {{"reason", "queue_full"}}};
}

trouble why_left_alone(const saga_row& row, const error& why, wall_time now) {
  return {.reason = why.message, .trace = row.trace, .epoch = row.epoch, .since = now};
}

/// The reason why a saga that should go on does not run.
/// @param its trouble; null if there is none.
error why_it_stands(const trouble* its) {
  if (its == nullptr) {
    return {.code = errc::conflict, .message = "it is over, parked, or another process has it"};
  }
  return {.code = its->failures == 0 ? errc::conflict : errc::internal, .message = its->reason};
}

/// Whether a saga that was left alone is over, or another process runs it.
bool has_gone_on(store::database& session, std::int64_t writer, const uuid& id) {
  journal_table journal{session};
  const auto row = journal.find(id);
  if (!row || row->now == phase::compensated) {
    return true;
  }
  if (row->now > phase::undoing) { // Perhaps left alone by the process that should turn it back.
    return journal.recalls(id).empty();
  }
  return row->writer != writer && !store::writers{session}.is_fenced(row->writer);
}

} // namespace

// The most sagas that one look at stored messages reads.
constexpr std::size_t told_max = 1'000;
// The most that are admitted in one turn.
constexpr std::size_t admitted_max = 256;

coordinators::coordinators(std::vector<plan> plans) : plans_{std::move(plans)} {
}

standing coordinators::standing_now(wall_time now) const {
  standing found = running_.standing_now(now);
  found.unheard = unheard_;
  for (const auto& [id, its] : troubles_.all()) {
    if (its.failures == 0) {
      ++found.left_alone;
    } else if (its.again_at != instant::max()) { // A saga without a time runs again.
      ++found.failing;
    }
  }
  return found;
}

outcome<void> coordinators::start(
    const saga_turn& in,
    const uuid& id,
    const plan& by,
    std::string_view input,
    milliseconds within,
    std::string_view trace,
    std::string_view line) {
  if (by.what().accept) {
    TROUPE_CHECK(is_accepted(by, input));
  }
  journal_table journal{in.session};
  if (!by.what().undo.empty() && !journal.recalls(id).empty()) {
    return failure{rejected("undone", "it was undone before it came")};
  }
  if (running_.is_full(by)) {
    return failure{queue_is_full(by.what())};
  }
  const std::string_view kept_line = by.what().at_once == 0 ? std::string_view{} : line;
  if (wire::has_nul(kept_line)) {
    // The row would be refused by some databases: thrown there, it ended all sagas with this one.
    return failure{invalid("the key of the call has a NUL, which not every database keeps in a "
                           "text; `at_once` of the saga has its calls kept by their keys")};
  }
  plans_.keep_table(in.session, by, in.now);
  journal.add(id, by.what().operation, in.writer, trace, kept_line);
  const bool must_wait = !running_.has_room(by);
  coordinator& added = running_.add(id, by);
  added.trace = trace;
  added.line = line;
  mover_.move(in, added, started{std::string{input}, within, must_wait});
  return {};
}

outcome<bool>
coordinators::undo(const saga_turn& in, const plan& of, const uuid& id, const uuid& call) {
  journal_table journal{in.session};
  const auto row = journal.find(id);
  if (row && row->operation != of.what().operation) {
    return failure{rejected(
        "no_saga", fmt::format("saga {} is none of `{}`", to_string(id), of.what().operation))};
  }
  if (!row && id.born() < in.out.sagas_from) {
    return failure{rejected(
        "forgotten",
        fmt::format(
            "there is no trace of saga {}, and it may have begun and ended before those that are "
            "kept (`sagas_kept`): look whether what it did stands, undo that by hand, then skip "
            "this undo",
            to_string(id)))};
  }
  journal.add_recall(id, call, std::max(in.now, in.out.settled));
  if (!row || row->now == phase::compensated) {
    journal.take_all(id);
    return true;
  }
  recall(in, *row);
  return false;
}

/// Turns back a saga that is to be undone, if it runs here or nowhere. Otherwise its owner does.
void coordinators::recall(const saga_turn& in, const saga_row& row) {
  journal_table journal{in.session};
  coordinator* which = running_.find(row.id);
  const bool stands = row.now == phase::completed || row.now == phase::parked;
  if (which == nullptr && !stands) {
    return; // Its owner, or the next one, will see it.
  }
  if (which != nullptr && which->by->what().undo.empty()) {
    return; // The steps it began with cannot all be undone: looked at again when it is over.
  }
  if (which == nullptr) {
    auto found = plans_.read(in.session, row);
    if (found && found->by->what().undo.empty()) {
      found = failure{
          error{.code = errc::conflict, .message = "the steps it began with cannot all be undone"}};
    }
    if (!found) {
      if (troubles_.leave_alone(row.id, why_left_alone(row, found.error(), in.now))) {
        in.out.parked_sagas.push_back(
            {row.id, std::move(found).error().message, true, false, row.trace});
      }
      return;
    }
    if (is_turned_back(found->current)) { // Parked: resuming it ends this undo, too.
      return journal.take_all(row.id);
    }
    troubles_.forget(row.id);
    which = &run(row, std::move(*found), in.now, row.epoch + 1);
    journal.give(row.id, in.writer, phase::undoing);
  }
  journal.take_all(row.id);
  mover_.move(in, *which, recalled{});
}

outcome<uuid> coordinators::tell(
    store::database& session,
    std::string_view operation,
    const step& waits,
    std::string_view body,
    wall_time now) {
  auto told = tell_step(session, plans_, {operation, waits, body}, now);
  if (told) {
    told_.insert(*told);
  }
  return told;
}

void coordinators::hear(const saga_turn& in, bool look) {
  journal_table journal{in.session};
  std::vector<uuid> ids{told_.begin(), told_.end()};
  if (look) {
    ids = journal.told_sagas(looked_to_, int{told_max});
    looked_to_ = ids.size() == told_max ? ids.back() : uuid{};
  }
  for (const uuid& id : ids) {
    (void)attempt(in, id, [&] {
      if (coordinator* which = running_.find(id)) {
        mover_.hear(in, *which);
      }
      const auto row = look ? journal.find(id) : std::nullopt;
      if (row && !journal.recalls(id).empty() && row->now != phase::compensated) {
        recall(in, *row);
      }
      return true;
    });
  }
}

void coordinators::admit(const saga_turn& in) {
  std::size_t count = 0;
  for (auto next = running_.next(); !next.empty(); next = running_.next()) {
    for (coordinator* const which : next) {
      if (++count > admitted_max) {
        return; // The others follow in the next turn, as some of these may have ended at once.
      }
      const uuid id = which->current.saga;
      (void)attempt(in, id, [&] {
        mover_.move(in, *which, admitted{});
        return true;
      });
    }
  }
}

void coordinators::answered(
    const saga_turn& in, const uuid& id, std::uint64_t token, bool failed, std::string_view body) {
  coordinator* which = running_.find(id);
  if (which == nullptr) {
    return; // The saga is over, or somebody else's by now.
  }
  if (failed) {
    auto read = wire::read_error(body);
    error why = read ? std::move(*read) : std::move(read).error();
    which->failure = fmt::format("{}: {}", name_of(why.code), why.message);
    mover_.move(in, *which, saga::failed{asked_of(token), std::move(why)});
    if (!which->need_is_told && which->needs_person(in.now)) {
      which->need_is_told = true;
      in.out.parked_sagas.push_back({id, which->need(), false, true, which->trace});
    }
  } else {
    mover_.move(in, *which, saga::answered{asked_of(token), std::string{body}});
  }
}

void coordinators::timer_due(const saga_turn& in, const uuid& id, std::uint64_t token) {
  coordinator* which = running_.find(id);
  if (which == nullptr) {
    return;
  }
  // An accepted message counts, even if the timer is due in the same turn.
  mover_.hear(in, *which);
  if (token == deadline_token) {
    mover_.move(in, *which, deadline_reached{});
  } else {
    mover_.move(in, *which, timer_of(token));
  }
}

std::size_t coordinators::resume(const saga_turn& in, const std::function<void()>& progress) {
  std::vector<owned_saga> found;
  if (behind_) {
    found = journal_table{in.session}.unfinished(in.writer);
  } else {
    for (const uuid& id : troubles_.due(in.time)) {
      found.push_back({id});
    }
    for (const auto& [id, trace] : lost_) {
      found.push_back({id});
    }
  }
  resumed_ = true;
  std::size_t count = 0;
  for (const owned_saga& each : found) {
    count += take_up(in, each) ? 1U : 0U;
    progress();
  }
  return count;
}

std::size_t
coordinators::take_left_alone(const saga_turn& in, const std::function<void()>& progress) {
  std::size_t count = 0;
  std::set<uuid> nobodys;
  journal_table journal{in.session};
  for (const std::int64_t owner : journal.fenced_owners()) {
    for (const owned_saga& each : journal.unfinished(owner)) {
      count += take_up(in, each) ? 1U : 0U;
      nobodys.insert(each.id);
      progress();
    }
  }
  for (const uuid& id : troubles_.left_alone()) {
    if (!nobodys.contains(id) && has_gone_on(in.session, in.writer, id)) {
      troubles_.forget(id);
    }
  }
  return count;
}

outcome<void> coordinators::obey(const saga_turn& in, const uuid& id, const order& wanted) {
  if (coordinator* which = running_.find(id)) {
    TROUPE_CHECK(may_obey(*which->by, which->current, wanted));
    mover_.move(in, *which, ordered{wanted});
    return {};
  }
  const auto row = journal_table{in.session}.find(id);
  if (!row) {
    return failure{rejected("no_saga", fmt::format("there is no saga {}", to_string(id)))};
  }
  if (row->now == phase::completed || row->now == phase::compensated) {
    const bool resumes = wanted.what == verb::resume;
    return failure{rejected(
        resumes ? "not_waiting" : "over",
        fmt::format("saga {} is over: {}", to_string(id), name_of(row->now)))};
  }
  if (row->now != phase::parked && row->writer != in.writer
      && !store::writers{in.session}.is_fenced(row->writer)) {
    return failure{rejected(
        wanted.what == verb::resume ? "not_waiting" : "elsewhere",
        fmt::format(
            "saga {} runs in another process, at node `{}`",
            to_string(id),
            journal_table{in.session}.node_of(row->writer)))};
  }
  return obey_elsewhere(in, *row, wanted);
}

/// Carries out an order for a saga that does not run: it is parked, has no owner, or waits here.
outcome<void>
coordinators::obey_elsewhere(const saga_turn& in, const saga_row& row, const order& wanted) {
  auto found = plans_.read(in.session, row);
  if (!found) {
    return failure{error{.code = errc::conflict, .message = found.error().message}};
  }
  const bool goes_on = wanted.what == verb::resume || wanted.what == verb::retry;
  // Running, or parked by an earlier release without a record.
  const bool is_parked = found->current.now == phase::parked;
  if (row.now != phase::parked && goes_on) {
    troubles_.forget(row.id);
    const bool runs = take_up(in, {row.id, row.epoch});
    return runs ? outcome<void>{} : failure{why_it_stands(troubles_.find(row.id))};
  }
  for (const std::uint32_t step : open_steps(found->current)) {
    found->current.steps[step].hand.maybe_done = true; // The former owner may have asked.
  }
  if (is_parked || !goes_on) {
    TROUPE_CHECK(may_obey(*found->by, found->current, wanted));
  }
  troubles_.forget(row.id);
  coordinator& loaded = run(row, std::move(*found), in.now, row.epoch + 1);
  if (is_parked || !goes_on) {
    mover_.move(in, loaded, ordered{wanted});
  }
  const phase after = loaded.current.now;
  if (!is_parked && (after == phase::forward || after == phase::undoing)) {
    // An order concerns one step: the other open ones and the deadline are as the last owner left
    // them.
    mover_.move(in, loaded, taken_over{});
  }
  journal_table{in.session}.give(row.id, in.writer, loaded.current.now);
  return {};
}

void coordinators::put_off(const uuid& id, std::string reason, wall_time now, instant time) {
  const coordinator* const which = running_.find(id);
  const auto lost = lost_.find(id);
  std::string trace = which != nullptr      ? which->trace
                      : lost != lost_.end() ? lost->second
                                            : std::string{};
  running_.drop(id);
  troubles_.failed(id, {std::move(reason), std::move(trace)}, now, time);
}

void coordinators::committed(outgoing& out) {
  if (std::exchange(resumed_, false)) {
    out.all_stopped = behind_; // Each running saga has set its timers again.
    behind_ = false;
    lost_.clear();
  }
  plans_.committed();
  for (const uuid& id : running_.committed()) {
    troubles_.forget(id);
  }
  told_.clear();
  out.stopped = running_.take_dropped();
  std::erase_if(
      out.timers, [&](const outgoing::timer& each) { return running_.find(each.saga) == nullptr; });
}

void coordinators::rolled_back() {
  for (auto& [id, trace] : running_.rolled_back()) {
    lost_.insert_or_assign(id, std::move(trace));
  }
  told_.clear();
  plans_.rolled_back();
  mover_.undone();
  resumed_ = false;
}

void coordinators::forget_all() {
  running_.clear();
  told_.clear();
  troubles_.clear();
  lost_.clear();
  behind_ = true;
}

bool coordinators::take_up(const saga_turn& in, const owned_saga& which) {
  const uuid& id = which.id;
  if (running_.find(id) != nullptr || !troubles_.may_go_on(id, which.epoch, in.time)) {
    return false;
  }
  const bool runs = attempt(in, id, [&] { return load(in, id); });
  if (runs) {
    troubles_.taken_up(id);
  }
  return runs;
}

bool coordinators::attempt(const saga_turn& in, const uuid& id, const std::function<bool()>& work) {
  const outgoing::sizes before = in.out.here();
  std::string fault;
  in.session.savepoint();
  try {
    const bool done = work();
    in.session.release();
    return done;
  } catch (const store::database_error& thrown) {
    if (!store::is_of_message_at_hand(thrown)) {
      running_.drop(id);
      lost_.try_emplace(id);
      throw;
    }
    fault = thrown.what();
  } catch (...) {
    fault = what_was_thrown();
  }
  in.session.rollback_to_savepoint();
  in.out.back_to(before);
  mover_.undone();
  put_off(id, std::move(fault), in.now, in.time);
  return false;
}

coordinator&
coordinators::run(const saga_row& row, replayed found, wall_time since, std::int64_t epoch) {
  coordinator& made = running_.add(row.id, *found.by);
  made.current = std::move(found.current);
  made.since = since;
  made.epoch = epoch;
  made.trace = row.trace;
  made.line = row.line;
  return made;
}

bool coordinators::load(const saga_turn& in, const uuid& id) {
  journal_table journal{in.session};
  const auto row = journal.find(id);
  const bool is_own = row && row->writer == in.writer;
  const bool is_free = row && !is_own && store::writers{in.session}.is_fenced(row->writer);
  if ((!is_own && !is_free) || row->now > phase::undoing) {
    troubles_.forget(id);
    return false; // The saga is over, parked, or somebody else's by now.
  }
  auto found = plans_.read(in.session, *row);
  if (found) {
    if (auto makes = can_make_commands(*found->by, found->current); !makes) {
      found = failure{std::move(makes).error()};
    }
  }
  if (!found) {
    // The saga is left unchanged: another program may have its plan, or a person may repair its
    // journal.
    if (troubles_.leave_alone(id, why_left_alone(*row, found.error(), in.now))) {
      in.out.parked_sagas.push_back(
          {id, std::move(found).error().message, true, false, row->trace});
    }
    return false;
  }
  plans_.keep_table(in.session, *found->by, in.now);
  const wall_time since = found->since;
  coordinator& loaded = run(*row, std::move(*found), since, row->epoch + (is_free ? 1 : 0));
  if (is_free) {
    journal.give(id, in.writer, row->now);
  }
  const trouble* its = troubles_.find(id);
  if (its != nullptr && its->failures >= troubles::failures_max) {
    mover_.move(in, loaded, given_up{internal_error(its->reason, effect::unknown)});
    return false;
  }
  mover_.move(in, loaded, taken_over{});
  return true;
}

} // namespace troupe::saga

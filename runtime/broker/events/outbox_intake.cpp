#include "runtime/broker/events/outbox_intake.hpp"

#include "runtime/contains.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/wire/check.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

namespace {

// The time after which a missing number is requested, as its worker may be dead.
constexpr milliseconds gap_patience{20};
// The time between two questions for the same numbers.
constexpr milliseconds ask_again_after{500};
// The number of requests without an answer after which an operator must act.
constexpr std::uint32_t asked_max = 10;
// The text that says what holds now, and what a person can do.
constexpr std::string_view remedy =
    "was the database restored from a backup? Nothing is taken from its outbox and nothing is "
    "deleted. Put the newer file back; or stop the system, and `troupe restore FILE` says what "
    "each side has that the other has not, and makes them go on together";

} // namespace

void outbox_intake::progress::close(const std::string& capability, std::vector<source_row>& rows) {
  if (accepted != closed) {
    closed = accepted;
    closed_id = accepted_id;
    closed_digest = accepted_digest;
    closed_event = std::exchange(accepted_event, nullptr);
    rows.push_back({capability, instance, closed, closed_id, closed_digest, digest_from});
  }
}

bool outbox_intake::progress::confirm() {
  if (closed == taken) {
    return false;
  }
  taken = closed;
  taken_id = closed_id;
  taken_digest = closed_digest;
  taken_position = closed_event == nullptr ? 0 : std::exchange(closed_event, nullptr)->position;
  return true;
}

bool outbox_intake::progress::take_back() {
  const bool was_ahead = accepted != taken;
  closed = accepted = taken;
  closed_id = accepted_id = taken_id;
  closed_digest = accepted_digest = taken_digest;
  closed_event = accepted_event = nullptr;
  return was_ahead;
}

void outbox_intake::restore(
    std::vector<source_row> rows, const std::vector<rewound_event>& rewound) {
  for (source_row& row : rows) {
    progress known{
        .instance = row.instance,
        .taken = row.taken,
        .taken_id = row.taken_id,
        .taken_digest = row.digest,
        .digest_from = row.digest_from};
    known.take_back();
    past_.push_back({std::move(row.capability), known});
  }
  for (const rewound_event& each : rewound) {
    rewound_[{each.capability, each.instance}].insert(each.id);
  }
}

/// Another database is announced instead of this one. Accepted events of it are on their way: if it
/// comes back, none of them may be taken twice.
void outbox_intake::set_aside(const std::string& capability, const progress& outbox) {
  past_.push_back({capability, outbox});
}

/// The outbox of another database than the last one announced for the capability.
void outbox_intake::begin(source& whose, const wire::outbox_state& state, decisions& out) {
  forget_early(whose);
  whose = {};
  whose.instance = state.instance;
  const auto rewound = rewound_.find({state.capability, state.instance});
  whose.rewound = rewound == rewound_.end() ? nullptr : &rewound->second;
  bool is_replaced = false;
  for (auto each = past_.begin(); each != past_.end(); ++each) {
    if (each->capability != state.capability) {
      continue;
    }
    if (each->outbox.instance == state.instance) {
      static_cast<progress&>(whose) = each->outbox;
      whose.newest = whose.accepted;
      whose.begun = {whose.instance, whose.taken, whose.taken_id};
      past_.erase(each);
      return;
    }
    is_replaced = true;
  }
  if (is_replaced) {
    out.log.push_back(
        {"outbox_replaced",
         {{"capability", state.capability},
          {"what", "its database is not the same as before; its outbox starts over"}}});
  }
}

void outbox_intake::joined(login_id whom) {
  auto& taken = at_login_[whom];
  for (const auto& [name, whose] : sources_) {
    taken[name] = {whose.instance, whose.taken, whose.taken_id};
  }
}

/// The number that the outbox must have reached when the worker read it.
outbox_intake::taken_at
outbox_intake::least_of(login_id whom, const wire::outbox_state& state, const source& whose) const {
  const auto login = at_login_.find(whom);
  if (login != at_login_.end()) {
    const auto found = login->second.find(state.capability);
    if (found != login->second.end() && found->second.instance == state.instance) {
      return found->second;
    }
  }
  return whose.begun;
}

void outbox_intake::announced(
    login_id from, const wire::outbox_state& state, instant now, decisions& out) {
  source& whose = sources_[state.capability];
  if (whose.instance != state.instance) {
    if (whose.accepted != 0) { // An outbox of which nothing was accepted has nothing to remember.
      set_aside(state.capability, whose);
    }
    begin(whose, state, out);
  }
  if (!contains(whose.workers, from)) {
    whose.workers.push_back(from);
  }
  if (state.trouble) {
    return refuse(state.capability, whose, *state.trouble, out);
  }
  const taken_at least = least_of(from, state, whose);
  if (state.newest < least.taken) {
    return refuse(
        state.capability,
        whose,
        fmt::format(
            "its outbox ends at {} and {} events of it are journaled: {}",
            state.newest,
            least.taken,
            remedy),
        out);
  }
  if (state.newest == least.taken && least.taken_id != uuid{}
      && state.newest_id != least.taken_id) {
    return refuse(
        state.capability,
        whose,
        fmt::format(
            "number {} of its outbox is another event than the one journaled: {}",
            state.newest,
            remedy),
        out);
  }
  whose.newest = std::max(whose.newest, state.newest);
  if (!whose.no_room_for.empty() && !topics_.has_room_for(whose.no_room_for)) {
    out.actions.emplace_back(send_confirmed{from, confirmed_of(state.capability, whose)});
    return;
  }
  go_on(whose);
  out.actions.emplace_back(send_confirmed{from, confirmed_of(state.capability, whose)});
  if (whose.newest > whose.accepted) {
    whose.asked = 0;
    whose.asked_at = now;
    out.actions.emplace_back(send_resend{
        from, {state.capability, whose.accepted + 1, std::max(whose.newest, state.newest)}});
  }
}

void outbox_intake::left(login_id whom) {
  at_login_.erase(whom);
  for (auto& [name, whose] : sources_) {
    std::erase(whose.workers, whom);
  }
}

bool outbox_intake::relayed(
    login_id from,
    std::uint64_t seq,
    std::shared_ptr<event> what,
    bool has_room,
    instant now,
    decisions& out) {
  const auto found = sources_.find(what->source);
  if (found == sources_.end() || seq == 0) {
    return false;
  }
  source& whose = found->second;
  if (!contains(whose.workers, from)) {
    return false;
  }
  if (!whose.refused.empty()) {
    return true; // The worker was told already that the outbox is refused.
  }
  if (seq == whose.taken && whose.taken_id != uuid{} && what->id != whose.taken_id) {
    refuse(
        found->first,
        whose,
        fmt::format("number {} was used again for another event: {}", seq, remedy),
        out);
    return true;
  }
  whose.newest = std::max(whose.newest, seq);
  if (seq <= whose.taken) {
    const auto* last =
        out.actions.empty() ? nullptr : std::get_if<send_confirmed>(&out.actions.back());
    if (last == nullptr || last->to != from || last->what.capability != found->first) {
      out.actions.emplace_back(send_confirmed{from, confirmed_of(found->first, whose)});
    }
  } else if (!has_room && seq > whose.accepted) {
    whose.asked = 0; // The events came, so the count starts over: there is no room.
    whose.asked_at = now;
  } else if (seq == whose.accepted + 1) {
    whose.asked = 0;
    if (accept(found->first, whose, std::move(what), out)) {
      take_early(found->first, whose, out);
    }
  } else if (seq > whose.accepted && has_room_for_early(whose)) {
    if (whose.early.empty()) {
      whose.asked_at = now; // The gap opens.
    }
    const std::size_t bytes = what->bytes();
    if (whose.early.try_emplace(seq, std::move(what)).second) {
      whose.early_bytes += bytes;
      early_bytes_ += bytes;
    }
  }
  return true;
}

/// Accepts the event with the next number. False, and the outbox has to wait, if the capability may
/// not publish it, or if there is no room for its topic: the event cannot be passed over, and only
/// operators can be told.
bool outbox_intake::accept(
    const std::string& name, source& whose, std::shared_ptr<event> what, decisions& out) {
  if (whose.rewound != nullptr && whose.rewound->contains(what->id)) {
    count_in(whose, what->id, nullptr);
    has_passed_over_ = true;
    return true;
  }
  if (rules_ && !rules_->may_relay(name, what->topic)) {
    // The event cannot be skipped either: the topology must change, or the code.
    refuse(
        name,
        whose,
        fmt::format(
            "event {} of its outbox has the topic `{}`, which `{}` may not publish. Nothing is "
            "lost: this and all later ones wait in the outbox until `{}` stands in `publish` of "
            "`{}` under `security: {{allow: ...}}` of the topology",
            whose.accepted + 1,
            what->topic,
            name,
            what->topic,
            name),
        out);
    return wait_at_event(whose);
  }
  if (!keeps_nul_ && (wire::has_nul(what->key) || wire::has_nul(what->topic))) {
    refuse(
        name,
        whose,
        fmt::format(
            "event {} of its outbox has a NUL in its key or topic, which the journal's database "
            "does not keep. Nothing is lost: this and all later ones wait in the outbox; stop the "
            "workers of `{}`, take the NUL out of `key` in the row with that `seq` of its table "
            "`outbox`, and start them again",
            whose.accepted + 1,
            name),
        out);
    return wait_at_event(whose);
  }
  if (!topics_.admit(what->topic)) {
    refuse(
        name,
        whose,
        fmt::format(
            "event {} of its outbox has the new topic `{}`, and the journal has {} topics, which "
            "is all it takes. Nothing is lost: this and all later ones wait in the outbox until "
            "topics are forgotten, which happens when their events are gone; shorten `keep` of "
            "topics that are not needed",
            whose.accepted + 1,
            what->topic,
            topics_.topics_max()),
        out);
    whose.no_room_for = what->topic;
    return wait_at_event(whose);
  }
  count_in(whose, what->id, what);
  out.accepted.push_back(std::move(what));
  return true;
}

/// The next event is refused, and with it those behind it. @return false.
bool outbox_intake::wait_at_event(source& whose) {
  whose.waits_at_event = true;
  forget_early(whose);
  return false;
}

void outbox_intake::count_in(source& whose, const uuid& id, std::shared_ptr<const event> what) {
  ++whose.accepted;
  whose.accepted_id = id;
  whose.accepted_digest += store::outbox_digest(whose.accepted, id);
  whose.accepted_event = std::move(what);
}

void outbox_intake::take_early(const std::string& name, source& whose, decisions& out) {
  while (!whose.early.empty() && whose.early.begin()->first <= whose.accepted + 1) {
    auto next = whose.early.extract(whose.early.begin());
    whose.early_bytes -= next.mapped()->bytes();
    early_bytes_ -= next.mapped()->bytes();
    if (next.key() == whose.accepted + 1 && !accept(name, whose, std::move(next.mapped()), out)) {
      return;
    }
  }
}

bool outbox_intake::has_room_for_early(const source& whose) const {
  const std::size_t left = early_bytes_max_ - std::min(early_bytes_max_, early_bytes_);
  return whose.early.size() < early_max
         && whose.early_bytes < std::min(early_bytes_of_one_max, left);
}

/// All of it will be requested.
void outbox_intake::forget_early(source& whose) {
  early_bytes_ -= whose.early_bytes;
  whose.early.clear();
  whose.early_bytes = 0;
}

void outbox_intake::close_batch(std::vector<source_row>& rows) {
  has_passed_over_ = false;
  for (auto& [name, whose] : sources_) {
    whose.close(name, rows);
  }
  for (past_database& each : past_) {
    each.outbox.close(each.capability, rows);
  }
}

void outbox_intake::written(bool is_good, instant now, decisions& out) {
  // The events accepted for the next batch are taken back after a failure, too: `incoming` keeps
  // nothing of outboxes then (`move_up`), and numbers have no gaps.
  for (past_database& each : past_) {
    (void)(is_good ? each.outbox.confirm() : each.outbox.take_back());
  }
  for (auto& [name, whose] : sources_) {
    if (is_good && whose.confirm()) {
      confirm_all(name, whose, out);
    } else if (!is_good && whose.take_back()) {
      whose.asked_at = now;
      if (whose.waits_at_event) {
        // The events before the one that has to wait are wanted again: workers announce them again.
        go_on(whose);
        confirm_all(name, whose, out);
      }
    }
  }
}

void outbox_intake::tick(instant now, decisions& out) {
  for (auto& [name, whose] : sources_) {
    if (!whose.no_room_for.empty() && topics_.has_room_for(whose.no_room_for)) {
      out.log.push_back({"outbox_goes_on", {{"capability", name}}});
      go_on(whose);
      confirm_all(name, whose, out); // Its workers announce it again.
    }
    const bool is_missing = whose.newest > whose.accepted && whose.refused.empty();
    const auto patience = whose.asked == 0 ? gap_patience : ask_again_after;
    if (is_missing && !whose.workers.empty() && now - whose.asked_at >= patience) {
      ask_for_missing(name, whose, now, out);
    }
  }
}

std::size_t outbox_intake::early() const {
  std::size_t count = 0;
  for (const auto& [name, whose] : sources_) {
    count += whose.early.size();
  }
  return count;
}

void outbox_intake::refuse(
    const std::string& name, source& whose, std::string why, decisions& out) {
  out.log.push_back({"outbox_refused", {{"capability", name}, {"why", why}}});
  go_on(whose);
  whose.refused = std::move(why);
  confirm_all(name, whose, out);
}

void outbox_intake::go_on(source& whose) {
  whose.refused.clear();
  whose.no_room_for.clear();
  whose.waits_at_event = false;
}

void outbox_intake::ask_for_missing(
    const std::string& name, source& whose, instant now, decisions& out) {
  const std::uint64_t last = whose.early.empty() ? whose.newest : whose.early.begin()->first - 1;
  whose.asked_at = now;
  if (++whose.asked == asked_max) {
    out.log.push_back(
        {"outbox_gap",
         {{"capability", name},
          {"from", std::to_string(whose.accepted + 1)},
          {"to", std::to_string(last)},
          {"what",
           "its workers do not relay these numbers; was the journal restored from a backup?"}}});
  }
  const login_id whom = whose.workers[whose.next_worker++ % whose.workers.size()];
  out.actions.emplace_back(send_resend{whom, {name, whose.accepted + 1, last}});
}

void outbox_intake::confirm_all(const std::string& name, const source& whose, decisions& out) {
  for (const login_id each : whose.workers) {
    out.actions.emplace_back(send_confirmed{each, confirmed_of(name, whose)});
  }
}

/// The confirmation of an outbox. With a refusal no number is confirmed: it is one of another
/// history, perhaps, and what has it there may be in no journal.
wire::confirmed outbox_intake::confirmed_of(const std::string& name, const source& whose) {
  if (!whose.refused.empty()) {
    return {name, 0, whose.refused};
  }
  return {
      name,
      whose.taken,
      {},
      whose.taken_id,
      whose.taken_position,
      whose.taken_digest,
      whose.digest_from};
}

} // namespace troupe::broker

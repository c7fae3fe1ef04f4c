#include "runtime/broker/calls/suspects.hpp"

#include "runtime/observe/trace_context.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

namespace {

/// The id of the call's trace, for the log.
std::string trace_in(const call& of) {
  const auto header = wire::scan_header(of.header());
  return observe::hex_of(observe::trace_of(header ? header->traceparent : "", of.id));
}

} // namespace

suspects::suspects(
    directory& nodes,
    held_calls& calls,
    callers& callers,
    counters& counts,
    dispatch& dispatch,
    quarantine& quarantine,
    cut_links& cuts)
    : nodes_{nodes}, calls_{calls}, callers_{callers}, counts_{counts}, dispatch_{dispatch},
      quarantine_{quarantine}, cuts_{cuts} {
  quarantine_.join(quarantine::work::calls);
}

bool suspects::take_known(std::uint32_t index, instant now, decisions& out) {
  call& made = calls_[index];
  if (blamed_.empty()) {
    return false;
  }
  made.deaths = blamed_.deaths_of(made.id);
  if (blamed_.is_set_aside(made.id)) {
    callers_.end(
        index,
        {.code = errc::internal,
         .possible = effect::unknown,
         .message = "workers cut their links when they were sent the call of this id, which is too "
                    "large for them; it is not tried again"},
        out);
    return true;
  }
  if (made.deaths >= deaths_convicted) {
    convict(index, out);
    return true;
  }
  if (made.deaths >= deaths_suspected) {
    suspect(index, out);
    send_next(now, out);
    return true;
  }
  return false;
}

bool suspects::is_alone(std::uint32_t number) const {
  return turn_.is_sent && turn_.node == number && quarantine_.is_granted(suspect_of::calls)
         && nodes_.nodes[number].outstanding.size == 1 && !nodes_.has_brought(number);
}

void suspects::blame(std::uint32_t index, const node& worker, bool was_alone, decisions& out) {
  call& blamed = calls_[index];
  blamed.deaths = blamed_.blame(blamed.id, worker.incarnation, was_alone);
  if (blamed.waiters.empty()) {
    return calls_.remove(index); // Its time was up long ago.
  }
  if (blamed.deaths >= deaths_convicted) {
    out.log.push_back(
        {"call_convicted",
         {{"id", to_string(blamed.id)},
          {"capability", nodes_.capabilities[blamed.capability].name},
          {"operation", std::string{blamed.op()}},
          {"node", worker.name},
          {"trace", trace_in(blamed)}}});
    ++counts_.convicted;
    return convict(index, out);
  }
  if (blamed.deaths >= deaths_suspected) {
    // The suspect goes behind the others, since another death with it would hold them up.
    return suspect(index, out);
  }
  calls_.put_back(index);
}

void suspects::take_back(const std::vector<uuid>& blamed, const uuid& incarnation) {
  for (const uuid& id : blamed) {
    const std::uint8_t deaths = blamed_.take_back(id, incarnation);
    const std::uint32_t index = calls_.find(id);
    if (index == nowhere) {
      continue;
    }
    call& known = calls_[index];
    known.deaths = deaths;
    if (known.is == call::phase::suspected && deaths < deaths_suspected && !has_turn(index)) {
      calls_.take_out(index);
      calls_.put_back(index); // The call is in the queue again, and not sent alone.
    }
  }
}

void suspects::note_end(const node& worker, bool was_cut, instant now) {
  if (was_cut) {
    cuts_.ended(worker.login, worker.incarnation, now);
  } else {
    cuts_.closed(worker.login);
  }
}

void suspects::note_return(const node& worker, const std::vector<uuid>& in_hand, decisions& out) {
  cuts_.came_back(worker.incarnation, in_hand);
  const auto too_large = cuts_.too_large(suspect_of::calls);
  const std::uint32_t index = too_large ? calls_.find(too_large->id) : nowhere;
  if (index == nowhere) {
    return;
  }
  const call& cut = calls_[index];
  if (!cut.is_waiting() && (cut.is != call::phase::suspected || has_turn(index))) {
    return; // Another worker that has it may take larger frames.
  }
  cuts_.set_aside();
  out.log.push_back(
      {"call_set_aside",
       {{"id", to_string(cut.id)},
        {"capability", nodes_.capabilities[cut.capability].name},
        {"operation", std::string{cut.op()}},
        {"node", worker.name},
        {"bytes", std::to_string(cut.body().size())},
        {"trace", trace_in(cut)}}});
  ++counts_.convicted;
  blamed_.set_aside(cut.id);
  calls_.take_out(index);
  callers_.end(
      index,
      {.code = errc::internal,
       .possible = effect::unknown,
       .message = cut_words("call", worker.name, cut.body().size())},
      out);
}

void suspects::acquit(const call& answered) {
  if (answered.deaths != 0) {
    blamed_.clear(answered.id);
  }
}

/// Puts a call, which is in no list, in line to be sent alone.
void suspects::suspect(std::uint32_t index, decisions& out) {
  const call& what = calls_[index];
  ++counts_.suspects;
  calls_.suspect(index);
  out.log.push_back(
      {"call_suspected",
       {{"id", to_string(what.id)},
        {"capability", nodes_.capabilities[what.capability].name},
        {"operation", std::string{what.op()}},
        {"deaths", std::to_string(what.deaths)},
        {"trace", trace_in(what)}}});
}

/// Answers a call that too many workers died with.
void suspects::convict(std::uint32_t index, decisions& out) {
  callers_.end(
      index,
      {.code = errc::crashed,
       .possible = effect::unknown,
       .message = fmt::format(
           "{} workers died while they handled this call, the last {} with nothing else in hand; "
           "it is not tried again",
           deaths_convicted,
           deaths_convicted - deaths_suspected)},
      out);
}

void suspects::send_next(instant now, decisions& out) {
  for (std::uint32_t i = calls_.suspects().head; i != nowhere && turn_.call == nowhere;) {
    const std::uint32_t next = calls_[i].next;
    if (begin_turn(i, now, out)) {
      break;
    }
    i = next;
  }
  if (turn_.call == nowhere) {
    quarantine_.release(suspect_of::calls);
  }
  advance(now, out);
}

/// True if some node can take the suspect. A suspect that all nodes have refused is given up.
bool suspects::begin_turn(std::uint32_t index, instant now, decisions& out) {
  const call& what = calls_[index];
  const capability& where = nodes_.capabilities[what.capability];
  const choice found = choose_alone(nodes_, where, what, now);
  if (found.is == choice::verdict::exhausted) {
    calls_.take_out(index);
    dispatch_.give_up(index, found, out);
  }
  if (found.is != choice::verdict::go) {
    return false;
  }
  const std::uint32_t number = where.placements[found.placement].node;
  turn_ = {index, number, found.placement, false};
  request(number);
  return true;
}

/// Asks for the node to be kept free for the call that has the turn.
void suspects::request(std::uint32_t number) {
  quarantine_.request(
      suspect_of::calls,
      nodes_.nodes[number].login,
      quarantine::alone_after(blamed_.outlasted(calls_[turn_.call].id)));
}

/// Tells the quarantine when the node that is kept free has no call in hand, and sends the suspect
/// once its turn is granted.
void suspects::advance(instant now, decisions& out) {
  const std::uint32_t kept_free = nodes_.node_of(quarantine_.node());
  if (kept_free == nowhere || nodes_.nodes[kept_free].outstanding.size == 0) {
    quarantine_.emptied(quarantine::work::calls);
  }
  const std::uint32_t index = turn_.call;
  if (index == nowhere || turn_.is_sent || !quarantine_.is_granted(suspect_of::calls)) {
    return;
  }
  if (nodes_.nodes[turn_.node].outstanding.size != 0) {
    return; // The node has a call that it brought along; its end comes here again.
  }
  if (calls_[index].latest_deadline() <= now) {
    return; // The next tick answers it and ends its turn.
  }
  calls_.take_out(index);
  turn_.is_sent = true;
  dispatch_.send(index, turn_.placement, now, out);
}

void suspects::released(std::uint32_t number, instant now, decisions& out) {
  if (nodes_.nodes[number].login == quarantine_.node()) {
    advance(now, out);
  }
}

void suspects::end_turn() {
  turn_ = {};
  quarantine_.release(suspect_of::calls);
}

void suspects::end_turn_of(std::uint32_t index, instant now, decisions& out) {
  if (turn_.call != index || index == nowhere) {
    return;
  }
  const std::uint32_t number = turn_.node;
  calls_.take_out(index);
  end_turn();
  send_next(now, out);
  dispatch_.pump_node(number, now, out);
}

void suspects::choose_again(std::uint32_t number) {
  if (turn_.node == number && !turn_.is_sent) {
    turn_ = {}; // Its place in the line for the quarantine stays.
  }
}

void suspects::login_ended(std::uint32_t number) {
  if (turn_.node == number) {
    end_turn(); // The suspect is in the node's list if it was sent; if not, in that of suspects.
  }
}

void suspects::follow(instant now, decisions& out) {
  const std::uint32_t freed = nodes_.node_of(kept_free_);
  const bool is_freed = quarantine_.node() != kept_free_ && freed != nowhere;
  kept_free_ = quarantine_.node();
  if (turn_.is_sent && !quarantine_.has_turn(suspect_of::calls)) {
    turn_ = {}; // The suspect took too long, and goes on beside others.
    send_next(now, out);
  } else {
    if (turn_.call != nowhere && !turn_.is_sent) {
      // Its wish is gone if the node did not become empty in time.
      request(turn_.node);
    }
    advance(now, out);
  }
  if (is_freed) {
    dispatch_.pump_node(freed, now, out);
  }
}

} // namespace troupe::broker

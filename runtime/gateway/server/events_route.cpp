#include "runtime/gateway/server/events_route.hpp"

#include "runtime/gateway/problem_of.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::gateway {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t events_per_answer = 200;
/// How long the broker holds a question while there are no events.
constexpr milliseconds question_patience = 10s;
/// Additional time allowed for the answer.
constexpr milliseconds answer_within = 5s;
constexpr milliseconds pause_after_error = 250ms;
/// Interval of the check that keeps streams alive: proxies cut connections that are silent for a
/// minute, and no stream may outlive its token by more than this.
constexpr milliseconds life_every = 10s;

/// Whether both ids are known and they differ.
bool differ(const uuid& one, const uuid& other) {
  return one != uuid{} && other != uuid{} && one != other;
}

std::string lost_text(std::string_view why, std::uint64_t after, std::uint64_t position) {
  return notice_text(
      "troupe.lost",
      wire::json_object{}.add("reason", why).add("after", after).add("position", position).text(),
      position);
}

http::response head_of_stream() {
  return {
      .status = 200,
      .fields = {
          {"Content-Type", "text/event-stream"},
          {"Cache-Control", "no-store"},
          {"X-Accel-Buffering", "no"}}};
}

error draining() {
  return {.code = errc::unavailable, .message = "this gateway is being drained"};
}

} // namespace

events_route::events_route(
    std::vector<std::string> patterns,
    std::vector<event_type> known,
    call_desk& calls,
    http_loop& loop)
    : patterns_{std::move(patterns)}, known_{std::move(known)}, calls_{calls}, loop_{loop} {
}

void events_route::handle(route_request request, const http::responder& answers) {
  const http::request& asked = request.asked;
  if (is_draining_) {
    answers.respond(problem_of(draining(), std::nullopt));
    return;
  }
  if (asked.method == http::method::head) {
    answers.open_stream(head_of_stream()).finish();
    return;
  }
  auto place = places_.take(asked.peer.host);
  if (place == nullptr) {
    answers.respond(http::problem{
        429,
        "too_many_streams",
        fmt::format("your address has {} streams of this route", streams_per_client_max),
        {},
        {{"retry_after_ms", milliseconds{life_every}.count()}}});
    return;
  }
  const auto last = asked.field("last-event-id");
  reader made{
      .place = std::move(place), .answers = answers, .still_holds = std::move(request.still_holds)};
  made.position = last ? position_in(*last) : std::nullopt;
  if (last && !last->empty() && !made.position) {
    answers.respond(
        http::problem{400, "invalid", "Last-Event-ID is no `id` that this stream has given"});
    return;
  }
  const number which = ++last_number_;
  if (!made.position && state_ == state::following) {
    made.position = ring_.head();
  }
  const bool has_beginning = made.position.has_value();
  readers_.emplace(which, std::move(made));
  if (has_beginning) {
    open(which);
  }
  if (!std::exchange(shows_life_, true)) {
    loop_.post_after(life_every, [this] { show_life(); });
  }
  if (state_ == state::idle) {
    begin();
  } else if (state_ == state::following) {
    serve(which);
  }
}

void events_route::open(number which) {
  const http::responder answers = readers_.at(which).answers;
  http::stream to = answers.open_stream(
      head_of_stream(),
      {.gone = [this, which] { readers_.erase(which); },
       .room =
           [this, which] {
             if (const auto found = readers_.find(which); found != readers_.end()) {
               found->second.is_full = false;
               serve(which);
             }
           }});
  // The reader is missing if its request has ended meanwhile.
  if (const auto found = readers_.find(which); found != readers_.end()) {
    found->second.to = std::move(to);
    // Send the position at once, so that a client that loses the connection before its first event
    // can resume from here.
    (void)write(which, place_text(*found->second.position));
  }
}

void events_route::drain() {
  is_draining_ = true;
  refuse_unopened(draining());
  for (auto& [which, each] : readers_) {
    each.to->finish();
  }
  readers_.clear();
}

wire::read_events
events_route::question_behind(std::uint64_t position, milliseconds patience) const {
  wire::read_events question;
  question.patterns = patterns_;
  question.after = position;
  question.count = events_per_answer;
  question.wait_ms = static_cast<std::uint32_t>(patience.count());
  return question;
}

void events_route::ask(
    const wire::read_events& question,
    std::function<void(const outcome<wire::events_read>&)> told) {
  const std::string body = wire::encoded(question);
  const auto asked = calls_.ask(
      {.capability = "troupe.events",
       .operation = "read",
       .body = body,
       .key = {},
       .deadline = milliseconds{question.wait_ms} + answer_within},
      [told](const client::completion& ended) {
        told(
            ended.answer ? wire::checked_decode<wire::events_read>(ended.answer->bytes)
                         : outcome<wire::events_read>{failure{ended.answer.error()}});
      });
  if (!asked) {
    told(failure{asked.error()});
  }
}

void events_route::again_soon(void (events_route::*step)()) {
  loop_.post_after(pause_after_error, [this, step] { (this->*step)(); });
}

void events_route::begin() {
  state_ = state::beginning;
  wire::read_events question;
  question.patterns = patterns_;
  question.from = "new";
  ask(question, [this](const auto& answer) { take_beginning(answer); });
}

void events_route::take_beginning(const outcome<wire::events_read>& answer) {
  if (!answer) {
    refuse_unopened(answer.error());
    if (readers_.empty()) {
      state_ = state::idle;
    } else {
      again_soon(&events_route::begin);
    }
    return;
  }
  ring_.restart(answer->next);
  life_ = answer->life.value_or(uuid{});
  state_ = state::following;
  for (const number which : numbers()) {
    reader& one = readers_.at(which);
    if (!one.position) {
      one.position = answer->next;
      open(which);
    }
  }
  restart_beyond(answer->last);
  serve_all();
  follow();
}

/// Restarts readers whose position lies beyond the end of the journal.
void events_route::restart_beyond(std::uint64_t last) {
  for (auto& [which, each] : readers_) {
    if (*each.position > last) {
      restart(which, "the journal ends before this position: it is another one");
    }
  }
}

/// Answers readers whose stream is not open yet, because their start position is unknown.
void events_route::refuse_unopened(const error& why) {
  for (auto each = readers_.begin(); each != readers_.end();) {
    if (each->second.to) {
      ++each;
    } else {
      each->second.answers.respond(problem_of(for_clients(why), std::nullopt));
      each = readers_.erase(each);
    }
  }
}

void events_route::follow() {
  if (readers_.empty()) {
    state_ = state::idle;
    ring_.restart(0);
    return;
  }
  ask(question_behind(ring_.head(), question_patience),
      [this](const auto& answer) { take(answer); });
}

bool events_route::is_other_journal(const wire::events_read& answer) const {
  return answer.last < ring_.head() || differ(life_, answer.after_life.value_or(uuid{}));
}

void events_route::take(const outcome<wire::events_read>& answer) {
  if (!answer) {
    // The broker may be down; once it is back, the events published meanwhile are read.
    again_soon(&events_route::follow);
    return;
  }
  if (is_other_journal(*answer)) {
    ring_.restart(answer->last);
    for (auto& [which, each] : readers_) {
      restart(which, "the journal is another one, or a copy that was brought back");
    }
  } else {
    std::vector<event_ring::event> more;
    for (const wire::read_event& each : answer->events) {
      more.push_back({each.position, event_text(each, known_)});
    }
    ring_.append(std::move(more), answer->next);
    if (answer->deleted_to) {
      // Every reader lags behind the deletion, and is told when it gets there.
      ring_.restart(answer->next);
    }
  }
  life_ = answer->life.value_or(uuid{});
  restart_beyond(answer->last);
  serve_all();
  follow();
}

std::vector<events_route::number> events_route::numbers() const {
  std::vector<number> all;
  for (const auto& [which, each] : readers_) {
    all.push_back(which);
  }
  return all;
}

void events_route::serve_all() {
  for (const number which : numbers()) {
    serve(which); // Earlier iterations may have removed this reader.
  }
}

void events_route::serve(number which) {
  for (;;) {
    const auto found = readers_.find(which);
    if (found == readers_.end() || !found->second.to || found->second.is_full
        || found->second.is_behind || state_ != state::following) {
      return;
    }
    reader& one = found->second;
    if (*one.position < ring_.base()) {
      serve_behind(which, *one.position);
      return;
    }
    const event_ring::event* const next = ring_.after(*one.position);
    if (next == nullptr) {
      one.position = std::max(*one.position, ring_.head());
      return;
    }
    if (!write(which, next->text)) {
      return;
    }
    one.position = next->position;
  }
}

void events_route::serve_behind(number which, std::uint64_t position) {
  readers_.at(which).is_behind = true;
  ask(question_behind(position, 0ms), [this, which](const outcome<wire::events_read>& answer) {
    if (readers_.count(which) == 0) {
      return;
    }
    if (answer) {
      readers_.at(which).is_behind = false;
      take_behind(which, *answer);
      serve(which);
    } else {
      loop_.post_after(pause_after_error, [this, which] {
        if (const auto found = readers_.find(which); found != readers_.end()) {
          found->second.is_behind = false;
          serve(which);
        }
      });
    }
  });
}

void events_route::take_behind(number which, const wire::events_read& answer) {
  reader& one = readers_.at(which);
  if (answer.deleted_to && *answer.deleted_to > *one.position) {
    if (!write(
            which,
            lost_text(
                "retention has deleted events behind this position",
                *one.position,
                *answer.deleted_to))) {
      return;
    }
    one.position = *answer.deleted_to;
  }
  for (const wire::read_event& each : answer.events) {
    if (!write(which, event_text(each, known_))) {
      return; // The event is read again once there is room.
    }
    one.position = each.position;
  }
  one.position = std::max(*one.position, answer.next);
}

bool events_route::write(number which, const std::string& text) {
  const auto found = readers_.find(which);
  if (found == readers_.end()) {
    return false;
  }
  switch (found->second.to->write(text)) {
  case http::written::queued:
    return true;
  case http::written::full:
    found->second.is_full = true;
    return false;
  case http::written::gone:
    readers_.erase(found);
    return false;
  }
  return false;
}

/// Tells the reader that its position is invalid here, and continues at the end of the journal.
void events_route::restart(number which, std::string_view why) {
  reader& one = readers_.at(which);
  const std::uint64_t before = *one.position;
  one.position = ring_.head();
  if (one.to) {
    (void)one.to->write(lost_text(why, before, ring_.head()));
  }
}

void events_route::show_life() {
  for (const number which : numbers()) {
    reader& each = readers_.at(which);
    if (each.to && each.still_holds && !each.still_holds()) {
      each.to->finish(); // The client learns the reason when it reconnects.
      readers_.erase(which);
    } else if (each.to && !each.is_full) {
      (void)write(which, place_text(*each.position));
    }
  }
  shows_life_ = !readers_.empty();
  if (shows_life_) {
    loop_.post_after(life_every, [this] { show_life(); });
  }
}

} // namespace troupe::gateway

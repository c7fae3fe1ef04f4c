#include "runtime/broker/events/incoming.hpp"

#include "runtime/contains.hpp"
#include "runtime/wire/check.hpp"
#include "runtime/wire/error_map.hpp"
#include "runtime/wire/events.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <span>
#include <utility>

namespace troupe::broker {

namespace {

// The pause after a write that failed: a full disk does not empty in a microsecond.
constexpr milliseconds retry_interval{100};

std::uint64_t digest_of_both(std::string_view name, std::string_view body) {
  const std::uint64_t both =
      digest_of(std::as_bytes(std::span{body})) ^ digest_of(std::as_bytes(std::span{name}));
  return both == 0 ? 1 : both; // 0 means that there is none.
}

std::uint64_t digest_of_event(std::string_view topic, std::string_view key, std::string_view body) {
  std::string name{topic};
  name += '\0'; // No topic has one, so that no other topic and key make the same name.
  name += key;
  return digest_of_both(name, body);
}

/// Whether the event remembered under an id is this one. Ids that an earlier release wrote down
/// have a digest of topic and body alone, which no digest with a key is.
bool is_repeat_of(
    const recent_publishes::entry& known,
    std::uint64_t digest,
    std::string_view topic,
    std::string_view body) {
  return known.digest == digest || known.digest == digest_of_both(topic, body);
}

error id_of_another_event() {
  return {
      .code = errc::conflict,
      .message = "this id was used for another event; use a new id for a new event",
      .details = {{"reason", "id_reused"}}};
}

error id_of_cancelled() {
  return rejected(
      "cancelled",
      "the event of this id was scheduled, and a person has cancelled it; use a new id for a new "
      "event");
}

/// The text is for the publisher that made up the topic; operators find the same words at the
/// outbox.
error too_many_topics(std::string_view topic, std::size_t topics_max) {
  return rejected(
      "too_many_topics",
      fmt::format(
          "`{}` would be a new topic, and the journal has {}, which is all it takes; topics are "
          "kinds of events: what tells one event from another belongs into its key or body. Topics "
          "without events are forgotten: shorten `keep` of the ones you do not need",
          topic,
          topics_max));
}

} // namespace

std::shared_ptr<event> event_of(const wire::header_view& header, std::string_view body) {
  auto made = std::make_shared<event>();
  made->id = header.id;
  made->topic = header.op;
  made->key = header.key;
  made->source = wire::travelling(header.source, header.source.size());
  if (!wire::has_nul(header.traceparent)) { // Nothing that is a trace has one.
    made->traceparent = header.traceparent;
  }
  made->body = body;
  return made;
}

incoming::incoming(incoming_options options, const journal_state& state)
    : options_{options}, last_{state.last}, topics_{options.topics_max, state.topics},
      waiting_{options.publisher_events_max, options.pending_bytes_max} {
  for (const journal_state::published& each : state.recent) {
    recent_.add(each.id, {each.position, each.digest});
  }
}

// --- Events come --------------------------------------------------------------------------------

void incoming::publish(
    origin from,
    const wire::header_view& header,
    std::string_view body,
    std::int64_t wall_ms,
    event_decisions& out) {
  if (!wire::is_topic(header.op)) {
    return refuse(
        from,
        header.id,
        invalid(fmt::format(
            "`{}` is no topic; it has 1 to 64 of a-z 0-9 _ and dots between its parts", header.op)),
        out);
  }
  if (!options_.keeps_nul && wire::has_nul(header.key)) {
    return refuse(
        from,
        header.id,
        invalid("the key of the event has a NUL, which the journal's database does not keep"),
        out);
  }
  const std::uint64_t digest = digest_of_event(header.op, header.key, body);
  if (const recent_publishes::entry* known = recent_.find(header.id)) {
    if (!is_repeat_of(*known, digest, header.op, body)) {
      return refuse(from, header.id, id_of_another_event(), out);
    }
    if (known->position <= last_) {
      out.actions.emplace_back(answer_published{from, header.id, known->position, true});
      return;
    }
    if (const auto admitted = admit(from, 0); !admitted) {
      return refuse(from, header.id, admitted.error(), out);
    }
    const bool is_writing =
        write_.is_under_way && known->position <= last_ + writing().events.size();
    (is_writing ? writing_ : next_)
        .publishers.push_back({{from, header.id, known->position, true}});
    return;
  }
  if (!topics_.has_room_for(header.op)) {
    return refuse(from, header.id, too_many_topics(header.op, options_.topics_max), out);
  }
  auto made = event_of(header, body);
  const std::size_t bytes = made->bytes();
  if (const auto admitted = admit(from, bytes); !admitted) {
    return refuse(from, header.id, admitted.error(), out);
  }
  (void)topics_.admit(header.op);
  made->digest = digest;
  accept(std::move(made), wall_ms);
  const std::uint64_t position = next_.rows.events.back()->position;
  recent_.add(header.id, {position, digest});
  next_.publishers.push_back({{from, header.id, position, false}, bytes});
}

outcome<void> incoming::admit(origin from, std::size_t bytes) {
  if (next_.rows.events.size() < options_.pending_events_max) {
    return waiting_.admit(from, bytes, next_.bytes + writing_.bytes);
  }
  return failure{
      {.code = errc::overloaded,
       .message = fmt::format("{} events wait for the disk", next_.rows.events.size()),
       .retry_after = milliseconds{20}}};
}

void incoming::accept(std::shared_ptr<event> what, std::int64_t wall_ms) {
  what->position = last_ + pending() + 1;
  what->time = std::max(wall_ms, options_.earliest_ms);
  what->partition = wire::partition_of(what->key, what->id);
  next_.bytes += what->bytes();
  next_.rows.events.push_back(std::move(what));
}

void incoming::retry_dead_letter(
    const dead_letter& letter, std::string_view to, std::int64_t wall_ms) {
  auto again = std::make_shared<event>(*letter.what);
  again->digest = 0;
  again->only_for = to;
  accept(std::move(again), wall_ms);
  next_.rows.dropped.push_back(letter.id);
}

bool incoming::fire(const scheduled_event& what, std::int64_t wall_ms, event_decisions& out) {
  const recent_publishes::entry* known = recent_.find(what.what->id);
  if (known != nullptr && known->position > last_) {
    return false;
  }
  next_.rows.fired.push_back(what.id);
  const event& scheduled = *what.what;
  const std::uint64_t digest = digest_of_event(scheduled.topic, scheduled.key, scheduled.body);
  if (known != nullptr && is_repeat_of(*known, digest, scheduled.topic, scheduled.body)) {
    return true; // A client has published it meanwhile.
  }
  auto due = std::make_shared<event>(scheduled);
  due->digest = digest;
  if (known != nullptr) {
    due->id = derived_id(what.id, "scheduled");
    out.log.push_back(
        {"scheduled_id_taken",
         {{"id", to_string(what.id)},
          {"topic", due->topic},
          {"published_as", to_string(due->id)},
          {"what", "another event was published under the id of this scheduled one"}}});
  }
  accept(due, wall_ms);
  if (recent_.find(due->id) == nullptr) {
    recent_.add(due->id, {due->position, due->digest});
  }
  return true;
}

outcome<void> incoming::schedule(scheduled_event what, origin to, std::string body) {
  const uuid id = what.id;
  batch* in = &next_;
  std::size_t bytes = 0;
  const event& due = *what.what;
  const recent_publishes::entry* known = recent_.find(id);
  if (known != nullptr
      && !is_repeat_of(
          *known, digest_of_event(due.topic, due.key, due.body), due.topic, due.body)) {
    return failure{id_of_another_event()};
  }
  // A publish that is not on disk may still fail: the event is scheduled as well, and skipped when
  // it is due.
  if (known == nullptr || known->position > last_) {
    TROUPE_TRY(auto found, batch_with(what));
    if (found != nullptr) {
      in = found;
    } else if (!topics_.has_room_for(due.topic)) {
      return failure{too_many_topics(due.topic, options_.topics_max)};
    } else {
      bytes = due.bytes();
      TROUPE_CHECK(admit(to, bytes));
      (void)topics_.admit(due.topic);
      next_.bytes += bytes;
      next_.rows.scheduled.push_back(std::move(what));
    }
  }
  in->operators.push_back({to, id, std::move(body), bytes});
  return {};
}

/// The batch that schedules this very event; null if none does.
/// @errors `conflict`: one schedules another event under its id.
outcome<incoming::batch*> incoming::batch_with(const scheduled_event& what) {
  for (batch* each : {&next_, &writing_}) {
    const auto& scheduled = each->rows.scheduled;
    const auto same =
        std::find_if(scheduled.rbegin(), scheduled.rend(), [&](const scheduled_event& other) {
          return other.id == what.id;
        });
    if (same == scheduled.rend()) {
      continue;
    }
    const event& other = *same->what;
    if (other.topic != what.what->topic || other.key != what.what->key
        || other.body != what.what->body) {
      return failure{id_of_another_event()};
    }
    return each;
  }
  return nullptr;
}

void incoming::answer_when_written(origin to, const uuid& id, std::string body) {
  next_.operators.push_back({to, id, std::move(body)});
}

void incoming::refuse(origin to, const uuid& id, error why, event_decisions& out) {
  out.actions.emplace_back(refuse_published{to, id, static_cast<std::uint32_t>(out.errors.size())});
  out.errors.push_back(std::move(why));
}

// --- Batches are written ------------------------------------------------------------------------

const journal_batch& incoming::take_batch() {
  write_.is_under_way = true;
  topics_.close_batch();
  std::swap(writing_, next_);
  return writing_.rows;
}

void incoming::not_scheduled(const refused_rows& which, event_decisions& out) {
  const auto holds = [](const std::vector<uuid>& ids, const uuid& id) { return contains(ids, id); };
  std::erase_if(writing_.operators, [&](const waiting_operator& each) {
    const bool is_cancelled = holds(which.cancelled, each.id);
    if (!is_cancelled && !holds(which.clashed, each.id)) {
      return false;
    }
    refuse(each.to, each.id, is_cancelled ? id_of_cancelled() : id_of_another_event(), out);
    waiting_.release_scheduled(each.to, each.bytes);
    return true;
  });
}

void incoming::written(event_decisions& out) {
  if (std::exchange(write_.has_failed, false)) {
    out.log.push_back({"journal_written_again", {}});
  }
  last_ += writing().events.size();
  topics_.written();
  for (const waiting_publisher& each : writing_.publishers) {
    out.actions.emplace_back(each.what);
    waiting_.release(each.what.to, each.bytes);
  }
  for (waiting_operator& each : writing_.operators) {
    waiting_.release_scheduled(each.to, each.bytes);
    out.actions.emplace_back(answer_written{each.to, each.id, std::move(each.body)});
  }
}

void incoming::failed(const error& why, instant now, event_decisions& out) {
  write_.not_before = now + retry_interval;
  write_.has_failed = true;
  out.log.push_back(
      {"journal_write_failed",
       {{"events", std::to_string(writing().events.size())}, {"why", why.message}}});
  for (const auto& [each, bytes] : writing_.publishers) {
    refuse(each.to, each.id, why, out);
    waiting_.release(each.to, bytes);
  }
  for (const waiting_operator& each : writing_.operators) {
    waiting_.release_scheduled(each.to, each.bytes);
    refuse(each.to, each.id, why, out);
  }
  recent_.drop_from(last_ + 1);
}

void incoming::give_up(const error& why, event_decisions& out) {
  for (batch* each : {&writing_, &next_}) {
    error said = why;
    said.possible = each == &writing_ ? effect::unknown : effect::none;
    for (const waiting_publisher& one : each->publishers) {
      refuse(one.what.to, one.what.id, said, out);
    }
    for (const waiting_operator& one : each->operators) {
      refuse(one.to, one.id, said, out);
    }
    *each = {};
  }
}

void incoming::end_batch(bool is_written) {
  write_.is_under_way = false;
  writing_ = {};
  if (!is_written) {
    move_up();
    topics_.take_back();
    admit_again();
  }
}

/// Gives the events of the next batch new positions, without the ones from outboxes, which will all
/// be asked for again.
void incoming::move_up() {
  std::vector<event_ref> rest = std::move(next_.rows.events);
  std::map<uuid, std::uint64_t> position_of;
  next_.rows.events.clear();
  next_.bytes = 0;
  for (const scheduled_event& each : next_.rows.scheduled) {
    next_.bytes += each.what->bytes();
  }
  for (event_ref& each : rest) {
    if (each->is_of_outbox()) {
      continue;
    }
    // The event may be changed: no other thread has seen it yet.
    auto mine = std::const_pointer_cast<event>(std::move(each));
    accept(mine, mine->time);
    if (mine->digest != 0) {
      recent_.add(mine->id, {mine->position, mine->digest});
      position_of[mine->id] = mine->position;
    }
  }
  for (waiting_publisher& each : next_.publishers) {
    each.what.position = position_of[each.what.id];
  }
}

void incoming::forget_topics(const std::vector<std::string>& names) {
  topics_.forget(names);
  admit_again();
}

/// Topics of events that are still to be written are known, whatever was forgotten.
void incoming::admit_again() {
  const auto each_topic = [](const journal_batch& of, const auto& admit) {
    for (const event_ref& each : of.events) {
      admit(each->topic);
    }
    for (const scheduled_event& each : of.scheduled) {
      admit(each.what->topic);
    }
  };
  each_topic(writing(), [this](std::string_view topic) { topics_.admit_closed(topic); });
  each_topic(next_.rows, [this](std::string_view topic) { (void)topics_.admit(topic); });
}

} // namespace troupe::broker

#include "runtime/broker/events/bus.hpp"

#include <algorithm>
#include <fmt/format.h>

// What comes in and is written. What is given to groups is in bus_groups.cpp.

namespace troupe::broker {

namespace {

constexpr milliseconds cursor_interval{1'000};
// After a write that failed: a full disk does not empty in a microsecond.
constexpr milliseconds retry_interval{100};

std::uint64_t digest_of_event(std::string_view topic, std::string_view body) {
  const std::uint64_t both =
      digest_of(std::as_bytes(std::span{body})) ^ digest_of(std::as_bytes(std::span{topic}));
  return both == 0 ? 1 : both; // 0 means that there is none.
}

std::shared_ptr<event> event_of(const wire::header_view& header, std::string_view body) {
  auto made = std::make_shared<event>();
  made->id = header.id;
  made->topic = header.op;
  made->key = header.key;
  made->traceparent = header.traceparent;
  made->body = body;
  return made;
}

error id_of_another_event() {
  return {
      .code = errc::conflict,
      .message = "this id was used for another event; use a new id for a new event"};
}

/// The text is for whoever made up the topic; an operator finds the same words at the outbox.
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

bus::bus(bus_options options, journal_state state, std::uint64_t seed)
    : options_{std::move(options)}, instance_{state.instance}, last_{state.last},
      topics_{options_.topics_max, std::move(state.topics)}, outboxes_{topics_} {
  outboxes_.restore(std::move(state.sources));
  for (const journal_state::published& each : state.recent) {
    recent_.add(each.id, {each.position, each.digest});
  }
  for (const subscription_options& each : options_.subscriptions) {
    fed_group fed;
    fed.patterns = each.patterns;
    fed.persisted.capability = each.capability;
    fed.persisted.handled.fill(std::min(each.start, last_));
    const auto known =
        std::find_if(state.cursors.begin(), state.cursors.end(), [&](const cursor_row& row) {
          return row.capability == each.capability;
        });
    if (known != state.cursors.end()) {
      fed.persisted = *known;
    } else {
      are_cursors_dirty_ = true; // What it has not seen yet must be kept from now on.
    }
    std::vector<std::uint64_t> graves;
    for (const journal_state::dead_letter_at& each_dead : state.dead_letters) {
      if (each_dead.capability == each.capability) {
        graves.push_back(each_dead.position);
      }
    }
    fed.core = std::make_unique<subscriber>(
        subscriber_options{
            .capability = each.capability,
            .patterns = each.patterns,
            .backoff_min = each.backoff_min,
            .backoff_max = each.backoff_max,
            .epoch_base = state.generation << 32U,
            .seed = seed + groups_.size(),
            .journal_last = state.last,
            .reached = fed.persisted.reached},
        fed.persisted.handled,
        std::move(graves));
    fed.is_live = fed.core->scanned() >= last_;
    fed.is_new = known == state.cursors.end();
    groups_.push_back(std::move(fed));
  }
}

void bus::publish(
    origin from,
    const wire::header_view& header,
    std::string_view body,
    std::int64_t wall_ms,
    bus_decisions& out) {
  if (!wire::is_topic(header.op)) {
    return refuse(
        from,
        header.id,
        invalid(fmt::format(
            "`{}` is no topic; it has 1 to 64 of a-z 0-9 _ and dots between its parts", header.op)),
        out);
  }
  const std::uint64_t digest = digest_of_event(header.op, body);
  if (const recent_publishes::entry* known = recent_.find(header.id)) {
    if (known->digest != digest) {
      return refuse(from, header.id, id_of_another_event(), out);
    }
    if (known->position <= last_) {
      out.actions.emplace_back(answer_published{from, header.id, known->position, true});
      return;
    }
    if (admits(from, header.id, out)) {
      const bool is_writing = is_writing_ && known->position <= last_ + writing_.events.size();
      (is_writing ? writing_publishers_ : pending_publishers_)
          .push_back({from, header.id, known->position, true});
    }
    return;
  }
  if (!topics_.has_room_for(header.op)) {
    return refuse(from, header.id, too_many_topics(header.op, options_.topics_max), out);
  }
  if (!admits(from, header.id, out)) {
    return;
  }
  (void)topics_.admit(header.op);
  auto made = event_of(header, body);
  made->digest = digest;
  accept(std::move(made), wall_ms);
  const std::uint64_t position = pending_.events.back()->position;
  recent_.add(header.id, {position, digest});
  pending_publishers_.push_back({from, header.id, position, false});
}

/// Whether this publisher may have one more waiting; else it is refused. Counts it.
bool bus::admits(origin from, const uuid& id, bus_decisions& out) {
  std::uint32_t& waiting = waiting_of_[static_cast<std::uint64_t>(from)];
  if (waiting >= options_.publisher_events_max
      || pending_.events.size() >= options_.pending_events_max
      || pending_bytes_ >= options_.pending_bytes_max) {
    refuse(
        from,
        id,
        {.code = errc::overloaded,
         .message = fmt::format(
             "{} events wait for the disk, {} of them yours", pending_.events.size(), waiting),
         .retry_after = milliseconds{20}},
        out);
    return false;
  }
  ++waiting;
  return true;
}

void bus::accept(std::shared_ptr<event> what, std::int64_t wall_ms) {
  what->position = last_ + writing_.events.size() + pending_.events.size() + 1;
  what->time = wall_ms;
  what->partition = wire::partition_of(what->key, what->id);
  pending_bytes_ += what->bytes();
  pending_.events.push_back(std::move(what));
}

void bus::retry(const dead_letter& letter, std::int64_t wall_ms) {
  auto again = std::make_shared<event>(*letter.what);
  again->digest = 0;
  again->only_for = letter.capability;
  accept(std::move(again), wall_ms);
  pending_.dropped.push_back(letter.id);
}

bool bus::fire(const scheduled_event& what, std::int64_t wall_ms) {
  const recent_publishes::entry* known = recent_.find(what.what->id);
  if (known != nullptr && known->position > last_) {
    return false;
  }
  pending_.fired.push_back(what.id);
  if (known != nullptr) {
    return true; // Somebody has published it meanwhile.
  }
  auto due = std::make_shared<event>(*what.what);
  due->digest = digest_of_event(due->topic, due->body);
  accept(due, wall_ms);
  recent_.add(due->id, {due->position, due->digest});
  return true;
}

outcome<void> bus::schedule(scheduled_event what) {
  if (const recent_publishes::entry* known = recent_.find(what.id)) {
    if (known->digest != digest_of_event(what.what->topic, what.what->body)) {
      return failure{id_of_another_event()};
    }
    if (known->position <= last_) {
      return {};
    } // Else it may yet fail: it is scheduled as well, and passed over when it is due.
  }
  for (const journal_batch* each : {&pending_, &writing_}) {
    const auto same = std::find_if(
        each->scheduled.rbegin(), each->scheduled.rend(), [&](const scheduled_event& other) {
          return other.id == what.id;
        });
    if (same != each->scheduled.rend()) {
      const event& other = *same->what;
      return other.topic == what.what->topic && other.key == what.what->key
                     && other.body == what.what->body
                 ? outcome<void>{}
                 : failure{id_of_another_event()};
    }
  }
  if (!topics_.admit(what.what->topic)) {
    return failure{too_many_topics(what.what->topic, options_.topics_max)};
  }
  pending_.scheduled.push_back(std::move(what));
  return {};
}

void bus::answer_when_written(origin to, const uuid& id, std::string body) {
  pending_operators_.push_back({to, id, std::move(body)});
}

void bus::refuse(origin to, const uuid& id, error why, bus_decisions& out) {
  out.actions.emplace_back(refuse_published{to, id, static_cast<std::uint32_t>(out.errors.size())});
  out.errors.push_back(std::move(why));
}

void bus::outbox(login_id from, const wire::outbox_state& state, instant now, bus_decisions& out) {
  outboxes_.announced(from, state, now, taken_);
  take(taken_, 0, out);
}

void bus::relay(
    login_id from,
    const wire::header_view& header,
    std::string_view body,
    std::int64_t wall_ms,
    instant now,
    bus_decisions& out) {
  auto made = event_of(header, body);
  made->source = header.to;
  if (!wire::is_topic(made->topic)) {
    // Refusing it would stop its outbox for ever; a turn checks topics before it commits.
    out.events.push_back(
        make_event("strange_topic", {{"capability", made->source}, {"topic", made->topic}}));
  }
  (void)outboxes_.relayed(from, header.seq, std::move(made), now, taken_);
  take(taken_, wall_ms, out);
}

void bus::take(outbox_intake::decisions& from, std::int64_t wall_ms, bus_decisions& out) {
  for (std::shared_ptr<event>& each : from.accepted) {
    accept(std::move(each), wall_ms);
  }
  for (outbox_intake::confirm& each : from.confirms) {
    out.actions.emplace_back(std::move(each));
  }
  for (outbox_intake::ask& each : from.asks) {
    out.actions.emplace_back(std::move(each));
  }
  for (log_event& each : from.events) {
    out.events.push_back(std::move(each));
  }
  from.accepted.clear();
  from.confirms.clear();
  from.asks.clear();
  from.events.clear();
}

bool bus::wants_write(instant now) const {
  if (is_writing_ || now < retry_at_) {
    return false;
  }
  return !pending_.empty() || !pending_operators_.empty()
         || (are_cursors_dirty_ && now - cursors_at_ >= cursor_interval);
}

journal_batch bus::take_batch(instant now) {
  is_writing_ = true;
  outboxes_.close_batch(pending_.sources);
  topics_.close_batch();
  if (are_cursors_dirty_ && now - cursors_at_ >= cursor_interval) {
    cursors_at_ = now;
    are_cursors_dirty_ = false;
    add_cursors(pending_);
  }
  std::swap(writing_, pending_);
  std::swap(writing_publishers_, pending_publishers_);
  std::swap(writing_operators_, pending_operators_);
  pending_bytes_ = 0;
  return writing_; // Copies references to events, and rows that are few.
}

void bus::clashed(const std::vector<uuid>& ids, bus_decisions& out) {
  std::erase_if(writing_operators_, [&](const waiting_operator& each) {
    const bool is_refused = std::find(ids.begin(), ids.end(), each.id) != ids.end();
    if (is_refused) {
      refuse(each.to, each.id, id_of_another_event(), out);
    }
    return is_refused;
  });
}

void bus::written(const outcome<void>& how, instant now, bus_decisions& out) {
  is_writing_ = false;
  if (!how) {
    return failed(how.error(), now, out);
  }
  last_ += writing_.events.size();
  topics_.written();
  for (const waiting_publisher& each : writing_publishers_) {
    out.actions.emplace_back(answer_published{each.to, each.id, each.position, each.is_repeat});
    release(each.to);
  }
  for (waiting_operator& each : writing_operators_) {
    out.actions.emplace_back(answer_written{each.to, each.id, std::move(each.body)});
  }
  outboxes_.written(true, now, taken_);
  take(taken_, 0, out);
  for (const cursor_row& each : writing_.cursors) {
    fed_group& fed = groups_[group_named(each.capability)];
    fed.persisted = each;
    fed.is_new = false;
  }
  for (const dead_letter& each : writing_.dead_letters) {
    const std::uint32_t index = group_named(each.capability);
    groups_[index].core->buried({each.what->position}, now, decided_);
    carry(index, now, out);
  }
  give_to_groups(writing_.events, now, out);
  writing_ = {};
  writing_publishers_.clear();
  writing_operators_.clear();
}

/// Nothing of the batch is in the journal: who waits is told, what the bus itself wanted is tried
/// again, and what was to follow moves up.
void bus::failed(const error& why, instant now, bus_decisions& out) {
  retry_at_ = now + retry_interval;
  are_cursors_dirty_ = true;
  out.events.push_back(make_event(
      "journal_write_failed",
      {{"events", std::to_string(writing_.events.size())}, {"why", why.message}}));
  for (const waiting_publisher& each : writing_publishers_) {
    refuse(each.to, each.id, why, out);
    release(each.to);
  }
  for (const waiting_operator& each : writing_operators_) {
    refuse(each.to, each.id, why, out);
  }
  recent_.drop_from(last_ + 1);
  outboxes_.written(false, now, taken_);
  take(taken_, 0, out);
  pending_.dead_letters.insert(
      pending_.dead_letters.begin(), writing_.dead_letters.begin(), writing_.dead_letters.end());
  writing_ = {};
  writing_publishers_.clear();
  writing_operators_.clear();
  move_up();
  topics_.take_back();
  admit_again();
}

/// Topics of what is still to be written are known, whatever was forgotten.
void bus::admit_again() {
  const auto each_topic = [](const journal_batch& of, const auto& admit) {
    for (const event_ref& each : of.events) {
      admit(each->topic);
    }
    for (const scheduled_event& each : of.scheduled) {
      admit(each.what->topic);
    }
  };
  each_topic(writing_, [this](std::string_view topic) { topics_.admit_closed(topic); });
  each_topic(pending_, [this](std::string_view topic) { (void)topics_.admit(topic); });
}

void bus::forget_topics(const std::vector<std::string>& names) {
  topics_.forget(names);
  for (const std::string& each : names) {
    groups_of_topic_.erase(each);
  }
  admit_again();
}

/// Gives what is pending its places anew, without what came from outboxes: those ask for all again.
void bus::move_up() {
  std::vector<event_ref> rest = std::move(pending_.events);
  std::map<uuid, std::uint64_t> position_of;
  pending_.events.clear();
  pending_bytes_ = 0;
  for (event_ref& each : rest) {
    if (!each->source.empty() && each->only_for.empty()) {
      continue;
    }
    // Nobody but the bus has seen it yet.
    auto mine = std::const_pointer_cast<event>(std::move(each));
    accept(mine, mine->time);
    if (mine->digest != 0) {
      recent_.add(mine->id, {mine->position, mine->digest});
      position_of[mine->id] = mine->position;
    }
  }
  for (waiting_publisher& each : pending_publishers_) {
    each.position = position_of[each.id];
  }
}

void bus::release(origin whom) {
  const auto found = waiting_of_.find(static_cast<std::uint64_t>(whom));
  if (found != waiting_of_.end() && --found.value() == 0) {
    waiting_of_.erase(found);
  }
}

void bus::add_cursors(journal_batch& batch) {
  for (fed_group& each : groups_) {
    if (each.is_live) {
      each.core->passed(last_);
    }
    const cursor_row now_at{each.core->capability(), each.core->cursors(), each.core->reached()};
    if (now_at != each.persisted || each.is_new) {
      batch.cursors.push_back(now_at);
    }
  }
}

} // namespace troupe::broker

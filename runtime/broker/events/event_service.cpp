#include "runtime/broker/events/event_service.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>

// The bus's decisions and the journal's answers. Operators' and readers' calls are in
// event_service_calls.cpp, those about dead letters in event_service_letters.cpp.

namespace troupe::broker {

namespace {

constexpr std::size_t group_read_events = 2'048;
constexpr std::size_t group_read_bytes = 4U << 20U;
constexpr std::chrono::seconds sweep_interval{5};

} // namespace

event_service::event_service(
    const clock& time,
    event_links& links,
    event_service_options options,
    const journal_state& state)
    : time_{time}, links_{links},
      bus_{
          std::move(options.bus),
          state,
          static_cast<std::uint64_t>(time.wall().time_since_epoch().count())},
      journal_{std::move(options.kept)}, rules_{std::move(options.rules)},
      body_bytes_max_{options.body_bytes_max}, due_{state.next_due}, started_{time.now()} {
}

std::int64_t event_service::wall_ms() const {
  return unix_millis(time_.wall());
}

void event_service::publish(
    origin from, const wire::header_view& header, std::string_view body, instant now) {
  bus_.publish(from, header, body, wall_ms(), decided_);
  carry_out(now);
}

outcome<void> event_service::worker_said(
    login_id from, const wire::header_view& header, std::string_view body, instant now) {
  const auto decode = [&]<class Message>(Message /*type*/, const auto& hear) -> outcome<void> {
    const auto message = wire::checked_decode<Message>(body);
    if (!message) {
      return failure{message.error()};
    }
    hear(*message);
    carry_out(now);
    begin_isolation(now);
    return {};
  };
  switch (header.kind) {
  case wire::kind::relay:
    TROUPE_FAULT("bus.relay_received");
    bus_.relay(from, header, body, wall_ms(), now, decided_);
    carry_out(now);
    return {};
  case wire::kind::outbox:
    return decode(wire::outbox_state{}, [&](const wire::outbox_state& state) {
      bus_.outbox(from, state, now, decided_);
    });
  case wire::kind::assigned:
    return decode(wire::assigned{}, [&](const wire::assigned& state) {
      bus_.assigned(from, state, now, decided_);
    });
  case wire::kind::handled:
    TROUPE_FAULT("bus.handled_received");
    return decode(wire::handled{}, [&](const wire::handled& what) {
      bus_.handled(from, what, now, decided_);
    });
  default:
    return {};
  }
}

void event_service::joined(login_id login, const wire::hello& hello, instant now) {
  bus_.joined(login, hello.node, hello.incarnation, hello.serves, now, decided_);
  carry_out(now);
}

void event_service::left(login_id login, bool is_blamed, instant now) {
  bus_.left(login, is_blamed, now, decided_);
  carry_out(now);
}

void event_service::state(login_id login, const wire::state& state, instant now) {
  bus_.state(login, state, now, decided_);
  carry_out(now);
}

instant event_service::next_due(instant tick_at) const {
  return journal_->has_answers() || bus_.wants_write(time_.now()) ? instant{} : tick_at;
}

void event_service::due(instant now) {
  if (journal_->has_answers()) {
    journal_->drain(answers_);
    for (const journal_answer& each : answers_) {
      take(each, now);
    }
    answers_.clear();
  }
  write_if_wanted(now);
}

void event_service::tick(instant now) {
  bus_.tick(now, wall_ms(), decided_);
  carry_out(now);
  begin_isolation(now);
  end_late_readers(now);
  publish_due(now);
  sweep(now);
}

/// If a worker is to be kept free for a suspect, and has nothing in hand any more: it is.
void event_service::begin_isolation(instant now) {
  if (const auto whom = bus_.isolated(); whom && links_.is_idle(*whom)) {
    bus_.node_is_idle(*whom, now, decided_);
    carry_out(now);
  }
}

void event_service::write_if_wanted(instant now) {
  if (!bus_.wants_write(now)) {
    return;
  }
  const std::uint64_t token = ++tokens_;
  asked_.emplace(
      token, [this](const outcome<journal_result>& result, instant at) { written(result, at); });
  TROUPE_FAULT("bus.before_write");
  (void)journal_->write(bus_.take_batch(now), token);
}

void event_service::written(const outcome<journal_result>& how, instant now) {
  TROUPE_FAULT("bus.before_confirm");
  write_failed_ = how ? std::nullopt : std::optional{how.error()};
  if (how) {
    const std::int64_t bucket = wall_ms() / bucket_ms;
    topic_rate* rate = nullptr;
    std::string_view topic;
    for (const event_ref& each : bus_.writing().events) {
      if (rate == nullptr || each->topic != topic) {
        rate = &rates_[each->topic];
        topic = each->topic;
      }
      rate->note(bucket);
    }
    for (const scheduled_event& each : bus_.writing().scheduled) {
      due_.written(each.due_at);
    }
    if (const auto* done = result_of<batch_written>(how); done != nullptr) {
      bus_.clashed(done->clashed, decided_);
    }
    if (!readers_.empty()) {
      fresh_ = bus_.writing().events;
    }
  } else {
    due_.ask_again(); // What was to be published in this batch is still scheduled.
  }
  bus_.written(how ? outcome<void>{} : failure{how.error()}, now, decided_);
  carry_out(now);
  if (!fresh_.empty()) {
    wake_readers(now);
    fresh_.clear();
  }
  begin_change(now);
  TROUPE_FAULT("bus.confirmed");
}

void event_service::ask(journal_question question, instant now, then go_on) {
  const std::uint64_t token = ++tokens_;
  if (!journal_->ask(std::move(question), token)) {
    return go_on(
        failure{
            {.code = errc::overloaded,
             .message = "the journal has too many questions waiting",
             .retry_after = milliseconds{100}}},
        now);
  }
  asked_.emplace(token, std::move(go_on));
}

void event_service::take(const journal_answer& answer, instant now) {
  const auto found = asked_.find(answer.token);
  if (found != asked_.end()) {
    const then go_on = std::move(found->second);
    asked_.erase(found);
    go_on(answer.result, now);
  }
}

/// Does what the bus decided, in order. What that leads to is decided after it.
void event_service::carry_out(instant now) {
  bus_decisions doing;
  std::swap(doing, decided_);
  std::swap(decided_.actions, spare_.actions);
  for (log_event& each : doing.events) {
    links_.report(std::move(each), now);
  }
  for (bus_action& each : doing.actions) {
    if (const auto* published = std::get_if<answer_published>(&each)) {
      body_.clear();
      wire::encode(body_, wire::published{published->position, published->is_repeat});
      reply(published->to, published->id, body_);
    } else if (const auto* group = std::get_if<of_group>(&each)) {
      carry_out(*group, now);
    } else if (const auto* written = std::get_if<answer_written>(&each)) {
      reply(written->to, written->id, written->body);
    } else if (const auto* refused = std::get_if<refuse_published>(&each)) {
      links_.pass_refusal(refused->to, refused->id, doing.errors[refused->error]);
    } else if (const auto* confirm = std::get_if<outbox_intake::confirm>(&each)) {
      send(confirm->to, wire::kind::confirmed, confirm->what);
    } else if (const auto* missing = std::get_if<outbox_intake::ask>(&each)) {
      send(missing->to, wire::kind::resend, missing->what);
    } else if (const auto* behind = std::get_if<read_for_group>(&each)) {
      read_for(*behind, now);
    }
  }
  doing.clear();
  std::swap(spare_, doing); // Its room is used again.
}

void event_service::read_for(const read_for_group& what, instant now) {
  ask(
      ask_events{
          what.after,
          std::min(what.count, group_read_events),
          group_read_bytes,
          bus_.patterns(what.group)},
      now,
      [this, what](const outcome<journal_result>& result, instant at) {
        if (const auto* page = result_of<events_page>(result)) {
          bus_.read(what.group, page->events, page->scanned, at, decided_);
        } else {
          bus_.read_failed(what.group);
        }
        carry_out(at);
      });
}

void event_service::carry_out(const of_group& what, instant now) {
  const subscriber& group = bus_.group(what.group);
  if (const auto* deliver = std::get_if<deliver_event>(&what.what)) {
    const event& each = *deliver->what;
    header_.clear();
    wire::append_event_header(
        header_,
        {.kind = wire::kind::event,
         .id = each.id,
         .to = group.capability(),
         .topic = each.topic,
         .key = each.key,
         .source = each.source,
         .traceparent = each.traceparent,
         .seq = each.position,
         .time = static_cast<std::uint64_t>(each.time)});
    links_.pass_message(deliver->to, header_, each.body);
  } else if (const auto* given = std::get_if<send_assign>(&what.what)) {
    send(
        given->to,
        wire::kind::assign,
        wire::assign{group.capability(), bus_.instance(), given->epoch, given->partitions});
  } else if (const auto* buried = std::get_if<send_buried>(&what.what)) {
    send(buried->to, wire::kind::buried, wire::buried{group.capability(), buried->positions});
  } else if (const auto* wanted = std::get_if<fetch>(&what.what)) {
    fetch_for(what.group, wanted->positions, now);
  } else if (const auto* begun = std::get_if<isolate_worker>(&what.what)) {
    links_.keep_free(begun->whom, true, now);
  } else if (const auto* ended = std::get_if<release_worker>(&what.what)) {
    links_.keep_free(ended->whom, false, now);
  }
}

void event_service::fetch_for(
    std::uint32_t group, const std::vector<std::uint64_t>& positions, instant now) {
  ask(ask_positions{positions}, now, [=, this](const outcome<journal_result>& result, instant at) {
    if (const auto* found = result_of<positions_found>(result)) {
      bus_.fetched(group, found->events, found->missing, at, decided_);
      carry_out(at);
    } else {
      // Nothing is known to be missing: ask again, after whatever else waits.
      refetch_.push_back({group, positions});
    }
  });
}

template <class Message>
void event_service::send(login_id to, wire::kind kind, const Message& message) {
  header_.clear();
  wire::append_plain_header(header_, kind);
  links_.pass_message(to, header_, wire::encoded(message));
}

void event_service::reply(origin to, const uuid& id, std::string_view body) {
  header_.clear();
  wire::append_reply_header(header_, id, wire::status::ok);
  links_.pass_answer(to, header_, body);
}

/// Scheduled events whose time has come go into the journal as if they were published now.
void event_service::publish_due(instant now) {
  for (auto& [group, positions] : std::exchange(refetch_, {})) {
    fetch_for(group, positions, now);
  }
  if (bus_.is_firing() || !due_.begin(wall_ms())) {
    return;
  }
  ask(ask_due{wall_ms()}, now, [this](const outcome<journal_result>& result, instant at) {
    const auto* found = result_of<due_found>(result);
    if (found == nullptr) {
      return due_.failed();
    }
    due_.answered(found->next_due);
    for (const scheduled_event& each : found->events) {
      if (!bus_.fire(each, wall_ms())) {
        due_.ask_again();
      }
    }
    write_if_wanted(at);
  });
}

void event_service::sweep(instant now) {
  if (is_sweeping_ || rules_.empty() || now - swept_at_ < sweep_interval) {
    return;
  }
  is_sweeping_ = true;
  swept_at_ = now;
  const std::uint64_t token = ++tokens_;
  asked_.emplace(token, [this](const outcome<journal_result>& result, instant at) {
    is_sweeping_ = false;
    const auto* swept = result_of<events_swept>(result);
    if (swept != nullptr && !swept->forgotten.empty()) {
      bus_.forget_topics(swept->forgotten);
      for (const std::string& each : swept->forgotten) {
        rates_.erase(each);
      }
      links_.report(
          make_event("topics_forgotten", {{"topics", std::to_string(swept->forgotten.size())}}),
          at);
    }
    if (swept != nullptr && swept->deleted != 0) {
      links_.report(make_event("events_deleted", {{"events", std::to_string(swept->deleted)}}), at);
    }
  });
  retention keep{rules_, {}, wall_ms()};
  for (std::uint32_t i = 0; i < bus_.groups(); ++i) {
    const auto cursors = bus_.group(i).cursors();
    const std::uint64_t handled = *std::min_element(cursors.begin(), cursors.end());
    for (const std::string& pattern : bus_.patterns(i)) {
      keep.needs.push_back({pattern, handled});
    }
  }
  journal_->sweep(std::move(keep), token);
}

void event_service::topic_rate::note(std::int64_t bucket) {
  if (bucket - newest >= buckets) {
    counts.fill(0);
    newest = bucket;
  }
  for (; newest < bucket; ++newest) {
    counts[static_cast<std::size_t>(newest + 1) % buckets] = 0;
  }
  ++counts[static_cast<std::size_t>(bucket) % buckets];
}

/// @param seconds what the buckets stand for, if fewer than all have passed.
double event_service::topic_rate::per_s(std::int64_t bucket, double seconds) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    const std::int64_t which = newest - static_cast<std::int64_t>(i);
    if (bucket - which < buckets) {
      sum += counts[static_cast<std::size_t>(which) % buckets];
    }
  }
  return static_cast<double>(sum) / seconds;
}

} // namespace troupe::broker

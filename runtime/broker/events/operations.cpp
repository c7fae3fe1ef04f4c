#include "runtime/broker/events/operations.hpp"

#include "runtime/wire/departure.hpp"
#include "runtime/wire/error_map.hpp"

#include <array>
#include <fmt/format.h>
#include <memory>
#include <utility>

namespace troupe::broker {

namespace {

constexpr std::int64_t after_max_ms = std::int64_t{3'650} * 24 * 60 * 60 * 1'000;

constexpr std::array<std::string_view, 12> names{
    "read",
    "topics",
    "schedule",
    "scheduled",
    "scheduled_event",
    "cancel_scheduled",
    "dead_letters",
    "dead_letter",
    "retry_dead_letter",
    "drop_dead_letter",
    "retry_dead_letters",
    "drop_dead_letters"};

} // namespace

operations::operations(
    const clock& time,
    journal_client& journal,
    bus& events,
    event_links& links,
    std::size_t bytes_max)
    : time_{time}, incoming_{events.incoming()}, links_{links},
      // An answer has other fields, too, and is not to be refused for its size.
      reading_{journal, incoming_, events.lives(), links, bytes_max / 2},
      topics_{time, journal, events, links, bytes_max / 2},
      dead_letters_{time, journal, events, links, bytes_max / 2},
      scheduled_{time, journal, events, links, bytes_max / 2}, body_bytes_max_{bytes_max} {
}

void operations::call(
    origin from,
    const wire::header_view& header,
    std::string_view body,
    int connection,
    instant now) {
  const uuid id = header.id;
  const auto decoded =
      [&]<class Request>(Request /*type*/, std::string_view bytes, const auto& handler) {
        const auto request = wire::checked_decode<Request>(bytes);
        if (request) {
          handler(*request);
        } else {
          links_.pass_refusal(from, id, request.error());
        }
      };
  if (header.op != "schedule" && body.size() > question_bytes_max) {
    return links_.pass_refusal(
        from,
        id,
        invalid(fmt::format(
            "a question of {} bytes; {} are the limit", body.size(), question_bytes_max)));
  }
  if (header.op == "read") {
    decoded(wire::read_events{}, body, [&](const wire::read_events& what) {
      reading_.read(from, id, what, connection, header.ttl, now);
    });
  } else if (header.op == "topics") {
    constexpr std::string_view no_fields = "\x80";
    decoded(wire::get_topics{}, body.empty() ? no_fields : body, [&](const wire::get_topics& what) {
      topics_.list(from, id, what, now);
    });
  } else if (header.op == "schedule") {
    decoded(wire::schedule_event{}, body, [&](const wire::schedule_event& what) {
      schedule(from, header, what);
    });
  } else if (header.op == "scheduled") {
    decoded(wire::get_scheduled{}, body, [&](const wire::get_scheduled& what) {
      scheduled_.list(from, id, what, now);
    });
  } else if (header.op == "scheduled_event") {
    decoded(wire::get_scheduled_event{}, body, [&](const wire::get_scheduled_event& what) {
      scheduled_.show(from, id, what.id, now);
    });
  } else if (header.op == "cancel_scheduled") {
    decoded(wire::cancel_scheduled{}, body, [&](const wire::cancel_scheduled& what) {
      scheduled_.cancel(from, id, what);
    });
  } else if (header.op == "dead_letters") {
    decoded(wire::get_dead_letters{}, body, [&](const wire::get_dead_letters& what) {
      dead_letters_.list(from, id, what, now);
    });
  } else if (header.op == "dead_letter") {
    decoded(wire::get_dead_letter{}, body, [&](const wire::get_dead_letter& what) {
      dead_letters_.show(from, id, what.id, now);
    });
  } else if (header.op == "retry_dead_letter") {
    decoded(wire::retry_dead_letter{}, body, [&](const wire::retry_dead_letter& what) {
      dead_letters_.retry(from, id, what, now);
    });
  } else if (header.op == "drop_dead_letter") {
    decoded(wire::drop_dead_letter{}, body, [&](const wire::drop_dead_letter& what) {
      dead_letters_.drop(from, id, what.id, now);
    });
  } else if (header.op == "retry_dead_letters" || header.op == "drop_dead_letters") {
    decoded(wire::change_dead_letters{}, body, [&](const wire::change_dead_letters& what) {
      dead_letters_.change_many(from, id, what, header.op == "drop_dead_letters", now);
    });
  } else {
    links_.pass_refusal(
        from,
        id,
        {.code = errc::unknown_operation,
         .message = fmt::format(
             "`troupe.events` has no operation `{}`; it has {}",
             header.op,
             fmt::join(names, ", "))});
  }
}

void operations::written(
    const std::vector<event_ref>& events, const outcome<void>& how, instant now) {
  if (how) {
    reading_.written(events, now);
  }
  dead_letters_.written(how ? std::nullopt : std::optional{how.error()}, now);
}

void operations::give_up(const error& why, instant now) {
  reading_.give_up(why);
  dead_letters_.give_up(now);
  scheduled_.carry_out(now);
}

void operations::schedule(
    origin from, const wire::header_view& header, const wire::schedule_event& what) {
  const uuid id = header.id;
  const wire::departure made{
      .what = "the event",
      .topic = what.topic,
      .key = what.key,
      .body_bytes = what.body.bytes.size()};
  if (const auto fits = wire::check_departure(made, body_bytes_max_); !fits) {
    return links_.pass_refusal(from, id, fits.error());
  }
  if (what.at.has_value() == what.after.has_value() || what.after.value_or(0) < 0
      || what.after.value_or(0) > after_max_ms) {
    return links_.pass_refusal(
        from,
        id,
        invalid("one of `at` (milliseconds since 1970) and `after` (milliseconds, ten years at "
                "most) is wanted"));
  }
  auto later = std::make_shared<event>();
  later->id = id;
  later->topic = what.topic;
  later->key = what.key;
  later->source = wire::travelling(header.source, header.source.size());
  later->body = what.body.bytes;
  const auto now =
      std::chrono::duration_cast<milliseconds>(time_.wall().time_since_epoch()).count();
  if (auto taken = incoming_.schedule(
          {id, what.at ? *what.at : now + *what.after, std::move(later)},
          from,
          wire::encoded(wire::event_scheduled{id}));
      !taken) {
    links_.pass_refusal(from, id, taken.error());
  }
}

} // namespace troupe::broker

#include "runtime/broker/events/event_service.hpp"

#include <algorithm>

// What `troupe.events` answers about dead letters (runtime/wire/journal_calls.hpp).

namespace troupe::broker {

namespace {

constexpr std::uint32_t letters_count_max = 1'000;
constexpr std::size_t retry_page_max = 500;
constexpr std::size_t changes_max = 1'000;

wire::letter letter_of(const dead_letter& from, bool with_body) {
  wire::letter letter{
      .id = from.id,
      .capability = from.capability,
      .position = from.what->position,
      .event_id = from.what->id,
      .topic = from.what->topic,
      .key = from.what->key,
      .cause = from.cause,
      .attempts = from.attempts,
      .first_at = from.first_at,
      .last_at = from.last_at,
      .node = from.node,
      .replica = from.replica,
      .error = from.error,
      .traceparent = from.what->traceparent,
      .body = {}};
  if (with_body) {
    letter.body = wire::binary_value{from.what->body};
  }
  return letter;
}

error no_letter(const uuid& id) {
  return rejected("no_dead_letter", "There is no dead letter " + to_string(id) + ".");
}

} // namespace

void event_service::list_letters(
    origin from, const uuid& id, const wire::get_dead_letters& what, instant now) {
  const std::size_t count = std::clamp(what.count, 1U, letters_count_max);
  ask(ask_dead_letters{what.capability.value_or(""), what.after, count, body_bytes_max_ / 2},
      now,
      [=, this](const outcome<journal_result>& result, instant) {
        const auto* page = result_of<dead_letters_page>(result);
        if (page == nullptr) {
          return links_.pass_refusal(from, id, why_none(result));
        }
        wire::letters_found answer;
        for (const dead_letter& each : page->dead_letters) {
          answer.letters.push_back(letter_of(each, false));
        }
        if (page->has_more) {
          answer.next = page->dead_letters.back().id;
        }
        reply(from, id, wire::encoded(answer));
      });
}

void event_service::show_letter(origin from, const uuid& id, const uuid& which, instant now) {
  ask(ask_dead_letter{which}, now, [=, this](const outcome<journal_result>& result, instant) {
    const auto* found = result_of<dead_letter_found>(result);
    if (found == nullptr) {
      links_.pass_refusal(from, id, why_none(result));
    } else if (!found->what) {
      links_.pass_refusal(from, id, no_letter(which));
    } else {
      reply(from, id, wire::encoded(letter_of(*found->what, true)));
    }
  });
}

void event_service::retry_letters(
    origin from, const uuid& id, const wire::retry_dead_letter& what, instant now) {
  if (what.id.has_value() == what.all.value_or(false)) {
    return links_.pass_refusal(from, id, invalid("one of `id` and `all` is wanted"));
  }
  if (!what.id) {
    const std::string capability = what.capability.value_or("");
    return change_letters(
        from,
        id,
        [=, this](instant at) { retry_page(from, id, capability, std::nullopt, 0, at); },
        now);
  }
  const uuid which = *what.id;
  change_letter(
      from,
      id,
      which,
      [=, this](const dead_letter* found) {
        if (found == nullptr) {
          return links_.pass_refusal(from, id, no_letter(which));
        }
        bus_.retry(*found, wall_ms());
        bus_.answer_when_written(from, id, wire::encoded(wire::letters_retried{1}));
      },
      now);
}

/// All, a page at a time: they are in one write after the other, and answered with the last.
void event_service::retry_page(
    origin from,
    const uuid& id,
    const std::string& capability,
    std::optional<uuid> after,
    std::uint64_t so_far,
    instant now) {
  ask_dead_letters question{capability, after, retry_page_max};
  ask(std::move(question), now, [=, this](const outcome<journal_result>& result, instant at) {
    const auto* page = result_of<dead_letters_page>(result);
    if (page == nullptr) {
      links_.pass_refusal(from, id, why_none(result));
      return letters_changed(at);
    }
    for (const dead_letter& each : page->dead_letters) {
      bus_.retry(each, wall_ms());
    }
    const std::uint64_t count = so_far + page->dead_letters.size();
    if (page->has_more) {
      // The next page once this one is on disk: what was not written was not retried.
      const uuid last = page->dead_letters.back().id;
      changes_.emplace_front([=, this](instant next) {
        if (write_failed_) {
          links_.pass_refusal(from, id, *write_failed_);
          return letters_changed(next);
        }
        retry_page(from, id, capability, last, count, next);
      });
      return letters_changed(at);
    }
    bus_.answer_when_written(from, id, wire::encoded(wire::letters_retried{count}));
    letters_changed(at);
  });
}

void event_service::drop_letter(origin from, const uuid& id, const uuid& which, instant now) {
  change_letter(
      from,
      id,
      which,
      [=, this](const dead_letter* found) {
        if (found == nullptr) {
          return reply(from, id, wire::encoded(wire::letter_dropped{false}));
        }
        bus_.exhume(which);
        bus_.answer_when_written(from, id, wire::encoded(wire::letter_dropped{true}));
      },
      now);
}

/// @param change gets the letter, or nullptr if there is none.
template <class Change>
void event_service::change_letter(
    origin from, const uuid& id, const uuid& which, const Change& change, instant now) {
  const auto look = [=, this](instant start) {
    ask(ask_dead_letter{which},
        start,
        [=, this](const outcome<journal_result>& result, instant at) {
          if (const auto* found = result_of<dead_letter_found>(result)) {
            change(found->what ? &*found->what : nullptr);
          } else {
            links_.pass_refusal(from, id, why_none(result));
          }
          letters_changed(at);
        });
  };
  change_letters(from, id, look, now);
}

void event_service::change_letters(
    origin from, const uuid& id, std::function<void(instant)> change, instant now) {
  if (changes_.size() >= changes_max) {
    return links_.pass_refusal(
        from,
        id,
        {.code = errc::overloaded,
         .message = "too many want to change dead letters",
         .retry_after = milliseconds{100}});
  }
  changes_.push_back(std::move(change));
  begin_change(now);
}

void event_service::begin_change(instant now) {
  if (is_changing_ || bus_.is_exhuming() || changes_.empty()) {
    return;
  }
  is_changing_ = true;
  const auto change = std::move(changes_.front());
  changes_.pop_front();
  change(now);
}

/// Unless something has to be written first the next one begins.
void event_service::letters_changed(instant now) {
  is_changing_ = false;
  write_if_wanted(now);
  begin_change(now);
}

} // namespace troupe::broker

#include "runtime/broker/events/dead_letters.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

namespace {

constexpr std::uint32_t page_max = 1'000;
constexpr std::size_t change_page_max = 500;
constexpr std::size_t changes_max = 1'000;

wire::letter wire_form(const dead_letter& from, bool with_body) {
  wire::letter made{
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
    made.body = wire::binary_value{from.what->body};
  }
  return made;
}

ask_dead_letters question_of(const wire::letter_filter& which, std::size_t count_max) {
  ask_dead_letters question{
      .capability = which.capability.value_or(""),
      .cause = which.cause.value_or(""),
      .pattern = which.topic.value_or("")};
  question.since = which.since.value_or(question.since);
  question.before = which.before.value_or(question.before);
  question.count_max = count_max;
  return question;
}

error no_dead_letter(const uuid& id) {
  return rejected("no_dead_letter", "There is no dead letter " + to_string(id) + ".");
}

} // namespace

void dead_letters::list(
    origin from, const uuid& id, const wire::get_dead_letters& what, instant now) {
  wire::letter_filter which = what.which.value_or(wire::letter_filter{});
  if (what.capability) {
    which.capability = what.capability;
  }
  ask_dead_letters question = question_of(which, std::clamp(what.count, 1U, page_max));
  question.after = what.after;
  question.bytes_max = bytes_max_;
  journal_.ask_for(
      asker_of(from),
      std::move(question),
      now,
      [=, this](const outcome<journal_result>& result, instant) {
        const auto* page = result_of<dead_letters_page>(result);
        if (page == nullptr) {
          return links_.pass_refusal(from, id, why_none(result));
        }
        wire::letters_found answer;
        for (const dead_letter& each : page->dead_letters) {
          answer.letters.push_back(wire_form(each, false));
        }
        if (page->has_more) {
          answer.next = page->dead_letters.back().id;
        }
        links_.reply(from, id, wire::encoded(answer));
      });
}

void dead_letters::show(origin from, const uuid& id, const uuid& which, instant now) {
  journal_.ask_for(
      asker_of(from),
      ask_dead_letter{which},
      now,
      [=, this](const outcome<journal_result>& result, instant) {
        const auto* found = result_of<dead_letter_found>(result);
        if (found == nullptr) {
          links_.pass_refusal(from, id, why_none(result));
        } else if (!found->what) {
          links_.pass_refusal(from, id, no_dead_letter(which));
        } else {
          links_.reply(from, id, wire::encoded(wire_form(*found->what, true)));
        }
      });
}

void dead_letters::retry(
    origin from, const uuid& id, const wire::retry_dead_letter& what, instant now) {
  if (what.id.has_value() == what.all.value_or(false)) {
    return links_.pass_refusal(from, id, invalid("one of `id` and `all` is wanted"));
  }
  if (!what.id) {
    wire::change_dead_letters many{.which = {.capability = what.capability}, .to = what.to};
    return change_many(from, id, many, false, now);
  }
  change_one(
      from,
      id,
      *what.id,
      [=, this](const dead_letter* found, bool is_repeat) {
        if (found == nullptr && is_repeat) {
          return links_.reply(from, id, wire::encoded(wire::letters_retried{1, {}}));
        }
        if (found == nullptr) {
          return links_.pass_refusal(from, id, no_dead_letter(*what.id));
        }
        const std::string& to = what.to ? *what.to : found->capability;
        if (!subscribers_.has_taker(to, found->what->topic)) {
          return links_.pass_refusal(from, id, nobody_for(*found, to));
        }
        incoming_.retry_dead_letter(*found, to, wall_ms());
        note_decided(*found);
        incoming_.next_rows().letter_orders.push_back({id, 1});
        incoming_.answer_when_written(from, id, wire::encoded(wire::letters_retried{1, {}}));
      },
      now);
}

void dead_letters::change_many(
    origin from, const uuid& id, const wire::change_dead_letters& what, bool drops, instant now) {
  const auto all = std::make_shared<change_of_many>(change_of_many{from, id, what, drops});
  enqueue(
      from, id, [=, this](instant at) { change_page(all, at); }, now);
}

/// Changes all, a page in each write, and answers with the last page.
void dead_letters::change_page(const std::shared_ptr<change_of_many>& all, instant now) {
  ask_dead_letters question = question_of(all->what.which, change_page_max);
  question.after = all->after;
  question.order = all->id;
  journal_.ask_for(
      asker_of(all->from),
      std::move(question),
      now,
      [=, this](const outcome<journal_result>& result, instant at) {
        const auto* page = result_of<dead_letters_page>(result);
        if (page == nullptr) {
          links_.pass_refusal(all->from, all->id, why_none(result));
          return end_change(at);
        }
        all->changed = std::max(all->changed, page->changed); // It goes on, if it came before.
        change_each(*all, page->dead_letters);
        if (page->has_more) {
          // The next page once this one is on disk: what was not written was not changed.
          all->after = page->dead_letters.back().id;
          changes_.emplace_front([=, this](instant next) {
            if (write_failed_) {
              links_.pass_refusal(all->from, all->id, *write_failed_);
              return end_change(next);
            }
            change_page(all, next);
          });
          return end_change(at);
        }
        if (all->drops) {
          incoming_.answer_when_written(
              all->from, all->id, wire::encoded(wire::letters_dropped{all->changed}));
          return end_change(at);
        }
        wire::letters_retried answer{all->changed, {}};
        for (const auto& [where, letters] : all->kept) {
          answer.kept = answer.kept.value_or(std::vector<wire::letters_kept>{});
          answer.kept->push_back({where.first, where.second, letters});
        }
        incoming_.answer_when_written(all->from, all->id, wire::encoded(answer));
        end_change(at);
      });
}

/// Drops the letters, or retries those that somebody would get and counts the others.
void dead_letters::change_each(change_of_many& all, const std::vector<dead_letter>& page) {
  const std::uint64_t before = all.changed;
  for (const dead_letter& each : page) {
    const std::string& to = all.what.to ? *all.what.to : each.capability;
    if (all.drops || subscribers_.has_taker(to, each.what->topic)) {
      ++all.changed;
      if (all.what.dry_run) {
        continue;
      }
      note_decided(each);
      if (all.drops) {
        incoming_.next_rows().dropped.push_back(each.id);
      } else {
        incoming_.retry_dead_letter(each, to, wall_ms());
      }
    } else {
      ++all.kept[{to, each.what->topic}];
    }
  }
  if (all.changed != before && !all.what.dry_run) {
    incoming_.next_rows().letter_orders.push_back({all.id, all.changed});
  }
}

/// Keeps the id of a letter that is retried or dropped, if its database may not know yet that it is
/// there, and the journal's cursor does not say so: it would be made again.
void dead_letters::note_decided(const dead_letter& letter) {
  if (subscribers_.may_be_told_again(letter)) {
    incoming_.next_rows().letter_orders.push_back({letter.id, 1});
  }
}

error dead_letters::nobody_for(const dead_letter& letter, const std::string& to) const {
  error why = rejected(
      "no_subscriber",
      fmt::format(
          "`{}` gets no events `{}`: the topology has no such capability, or it does not subscribe "
          "to them. The dead letter is kept; name the capability that is to get it (`--to`), or "
          "drop it",
          to,
          letter.what->topic));
  why.details.emplace_back("capability", to);
  why.details.emplace_back("topic", letter.what->topic);
  return why;
}

void dead_letters::drop(origin from, const uuid& id, const uuid& which, instant now) {
  change_one(
      from,
      id,
      which,
      [=, this](const dead_letter* found, bool is_repeat) {
        if (found == nullptr) {
          return links_.reply(from, id, wire::encoded(wire::letter_dropped{is_repeat}));
        }
        incoming_.next_rows().dropped.push_back(which);
        note_decided(*found);
        incoming_.next_rows().letter_orders.push_back({id, 1});
        incoming_.answer_when_written(from, id, wire::encoded(wire::letter_dropped{true}));
      },
      now);
}

/// @param what gets the dead letter, or null if there is none, and whether this very order has
///     changed it.
void dead_letters::change_one(
    origin from,
    const uuid& id,
    const uuid& which,
    std::function<void(const dead_letter* found, bool is_repeat)> what,
    instant now) {
  const auto look = [=, this](instant start) {
    journal_.ask_for(
        asker_of(from),
        ask_dead_letter{which, id},
        start,
        [=, this](const outcome<journal_result>& result, instant at) {
          if (const auto* found = result_of<dead_letter_found>(result)) {
            what(found->what ? &*found->what : nullptr, found->changed != 0);
          } else {
            links_.pass_refusal(from, id, why_none(result));
          }
          end_change(at);
        });
  };
  enqueue(from, id, look, now);
}

void dead_letters::enqueue(origin from, const uuid& id, change what, instant now) {
  if (changes_.size() >= changes_max) {
    return links_.pass_refusal(
        from,
        id,
        {.code = errc::overloaded,
         .message = "too many want to change dead letters",
         .retry_after = milliseconds{100}});
  }
  changes_.push_back(std::move(what));
  begin_change(now);
}

void dead_letters::begin_change(instant now) {
  if (is_changing_ || incoming_.has_deletions() || changes_.empty()) {
    return;
  }
  is_changing_ = true;
  const change next = std::move(changes_.front());
  changes_.pop_front();
  next(now);
}

/// The next change begins, unless this one has to be written first.
void dead_letters::end_change(instant now) {
  is_changing_ = false;
  begin_change(now);
}

void dead_letters::written(std::optional<error> why_not, instant now) {
  write_failed_ = std::move(why_not);
  begin_change(now);
}

void dead_letters::give_up(instant now) {
  while (!changes_.empty()) {
    const change next = std::move(changes_.front());
    changes_.pop_front();
    next(now);
  }
}

std::int64_t dead_letters::wall_ms() const {
  return std::chrono::duration_cast<milliseconds>(time_.wall().time_since_epoch()).count();
}

} // namespace troupe::broker

#include "runtime/broker/events/event_gauge.hpp"

#include "runtime/time_text.hpp"

#include <algorithm>

namespace troupe::broker {

namespace {

using namespace std::chrono_literals;

// A journal that could not be written is tried again with the next event, which may be long in
// coming; `troupe status` stops to tell of it at the same time.
constexpr milliseconds write_failure_kept = 60s;

} // namespace

void event_gauge::ended(std::size_t events, const outcome<void>& how, instant now) {
  confirms_.ended(events, how.has_value(), now);
  write_trouble_ = how ? "" : how.error().message;
  write_failed_ = now;
}

void event_gauge::probe(instant now) {
  if (is_open_) {
    return;
  }
  is_open_ = true;
  asked_ = now;
  journal_.ask(ask_dead_letter_counts{}, now, [this](const outcome<journal_result>& said, instant) {
    is_open_ = false;
    took_ = time_.now() - asked_;
    trouble_ = said ? "" : said.error().message;
    if (const auto* counted = result_of<dead_letters_counted>(said)) {
      dead_letters_ = counted->capabilities;
      scheduled_ = counted->scheduled;
    }
  });
}

std::string event_gauge::journal_trouble(instant now) const {
  if (!trouble_.empty() || write_trouble_.empty() || now - write_failed_ > write_failure_kept) {
    return trouble_;
  }
  return "it could not be written: " + write_trouble_;
}

event_measures event_gauge::look(instant now) const {
  const std::int64_t wall_ms = unix_millis(time_.wall());
  event_measures seen{
      .last = bus_.incoming().last(),
      .pending = bus_.incoming().pending(),
      .confirmed = confirms_.taken(),
      .commit = journal_.commits(),
      .journal_took = is_open_ ? now - asked_ : took_,
      .journal_trouble = journal_trouble(now),
      .scheduled = scheduled_,
      .scheduled_published = fired_,
      .scheduled_cancelled = cancelled_,
      .subscriptions = {}};
  for (std::uint32_t i = 0; i < bus_.feeder().size(); ++i) {
    const subscriber& each = bus_.feeder()[i];
    const auto status = each.look();
    const std::uint64_t unread = seen.last - std::min(seen.last, each.scanned());
    subscription_measures& to = seen.subscriptions.emplace_back();
    to.capability = each.capability();
    to.in_flight = status.in_flight;
    to.retrying = status.retrying;
    to.lag = status.waiting + status.in_flight + unread;
    if (status.oldest_time != 0) {
      to.lag_time = milliseconds{std::max<std::int64_t>(0, wall_ms - status.oldest_time)};
    }
    to.delivered = status.delivered;
    to.handled = status.handled;
    to.trouble = status.trouble;
    for (const auto& [capability, count] : dead_letters_) {
      to.dead_letters = capability == to.capability ? count : to.dead_letters;
    }
  }
  return seen;
}

} // namespace troupe::broker

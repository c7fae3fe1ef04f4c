#include "runtime/broker/server/journal_desk.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/wire/error_map.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::broker {

namespace {

// The interval of signs of life to the keeper, which checks a little less often.
constexpr milliseconds beat_interval{100};
// The wait of callers while the journal moves: brokers check for it every 200 ms.
constexpr milliseconds moving_retry{100};

} // namespace

void journal_desk::share(journal_keeper& keeper, const clock& time) {
  keeper_ = &keeper;
  time_ = &time;
  calls_.set_journal_generation(0);
}

error journal_desk::elsewhere() const {
  if (!is_shared()) {
    if (options_.journal_keeper.empty()) {
      return {.code = errc::unavailable, .message = "no broker of this topology keeps a journal"};
    }
    return {
        .code = errc::unavailable,
        .message = fmt::format(
            "the journal of events is kept by broker {}, not by {}; ask there",
            options_.journal_keeper,
            options_.name),
        .details = {{"broker", options_.journal_keeper}}};
  }
  const bool is_known = !seen_.owner_name.empty() && seen_.owner != options_.incarnation;
  error why{
      .code = errc::unavailable,
      .message = is_known ? fmt::format(
                     "the journal of events is at broker {} ({}), not at {}; ask there",
                     seen_.owner_name,
                     seen_.owner_at,
                     options_.name)
                          : fmt::format(
                              "no broker has the journal of events at the moment, {} neither",
                              options_.name),
      .retry_after = moving_retry};
  why.details = {
      {"broker", is_known ? seen_.owner_name : "nobody"},
      {"endpoint", is_known ? seen_.owner_at : ""},
      {"reason", std::string{wire::journal_elsewhere}}};
  return why;
}

instant journal_desk::next_due() const {
  if (!is_shared()) {
    return instant::max();
  }
  const event_service* const events = calls_.events();
  const bool is_lost = events != nullptr && events->is_lost();
  return keeper_->has_news() || is_lost ? instant{} : beaten_ + beat_interval;
}

void journal_desk::due(instant now) {
  if (!is_shared()) {
    return;
  }
  if (now - beaten_ >= beat_interval) {
    beaten_ = now;
    keeper_->beat(now);
  }
  if (calls_.events() != nullptr && calls_.events()->is_lost()) {
    give_up("another broker has taken it over, or its database has failed it", now);
  }
  if (keeper_->has_news()) {
    take_news(now);
  }
  if (drain_.has_begun()) {
    keeper_->retire();
    if (calls_.events() != nullptr && calls_.events()->is_done()) {
      give_up("this broker is being drained", now);
    }
  }
}

void journal_desk::take_news(instant now) {
  journal_news news = keeper_->take_news();
  const bool is_moved = news.seen.generation != seen_.generation || news.seen.owner != seen_.owner;
  seen_ = std::move(news.seen);
  calls_.set_journal_generation(seen_.generation);
  if (trouble_ != news.trouble) {
    trouble_ = std::move(news.trouble);
    if (trouble_.empty()) {
      log_.write({"journal_in_touch", {}}, now);
    } else {
      log_.write({"journal_out_of_touch", {{"reason", trouble_}}}, now);
    }
  }
  if (!news.given_up.empty() && calls_.events() != nullptr) {
    give_up(std::move(news.given_up), now);
  }
  if (news.opened) {
    return begin(std::move(*news.opened), now);
  }
  if (is_moved) {
    if (seen_.owner != options_.incarnation) {
      log_.write(
          {"journal_moved",
           {{"broker", seen_.owner_name},
            {"endpoint", seen_.owner_at},
            {"generation", std::to_string(seen_.generation)}}},
          now);
    }
    peers_.tell_journal();
  }
}

/// Keeps the journal from now on. WELCOME is sent before the first assignment, which a worker would
/// not accept from a broker without the journal.
void journal_desk::begin(opened_journal opened, instant now) {
  TROUPE_FAULT("broker.journal_opened");
  tell_if_it_went_back(opened.state, now);
  calls_.set_journal_generation(opened.state.generation);
  calls_.keep_journal(*time_, std::move(opened.events), opened.state);
  log_.write(
      {"journal_taken",
       {{"generation", std::to_string(opened.state.generation)},
        {"last", std::to_string(opened.state.last)}}},
      now);
  peers_.tell_journal();
  calls_.join_workers(now);
  TROUPE_FAULT("broker.journal_taken");
}

/// Compares a journal that is taken again with the events that this broker had confirmed in it.
void journal_desk::tell_if_it_went_back(const journal_state& found, instant now) {
  const std::uint64_t shared =
      std::min(found.last, found.lives.shared_with(confirmed_.lives, confirmed_.last));
  if (shared >= confirmed_.last) {
    return;
  }
  log_.write(
      {"journal_went_back",
       {{"generation", std::to_string(found.generation)},
        {"had", std::to_string(confirmed_.last)},
        {"has", std::to_string(shared)},
        {"what",
         "events that were confirmed are not in the journal any more: a standby was promoted that "
         "did not have all, or a copy was brought back; see `The server has lost what it "
         "confirmed` "
         "in RUNBOOK.md"}}},
      now);
}

void journal_desk::give_up(std::string why, instant now) {
  log_.write(
      {"journal_given_up",
       {{"generation", std::to_string(calls_.journal_generation().value_or(0))}, {"why", why}}},
      now);
  error said = elsewhere();
  said.message += fmt::format("; {} had it: {}", options_.name, why);
  given_up_journal given = calls_.give_up_journal(said, now);
  keeper_->give_back(std::move(given.kept));
  confirmed_ = {std::move(given.lives), given.last};
  peers_.tell_journal();
}

std::optional<wire::journal_seat> journal_desk::seat() const {
  if (!is_shared()) {
    return std::nullopt;
  }
  const auto server = keeper_->server().last();
  wire::journal_seat said{
      .broker = seen_.owner_name,
      .endpoint = seen_.owner_at,
      .generation = seen_.generation,
      .since = seen_.since,
      .here = calls_.events() != nullptr,
      .stray = stray_,
      .trouble = wire::travelling(trouble_, trouble_.size())};
  if (server) {
    said.standbys = server->standbys;
    const auto at_least_0 = [](std::int64_t number) {
      return static_cast<std::uint64_t>(std::max<std::int64_t>(number, 0));
    };
    said.oldest_ms = at_least_0(server->oldest.count());
    said.holder = server->holder;
    said.held_ms = at_least_0(server->held.count());
    said.held_transactions = at_least_0(server->transactions);
    said.sees_others = server->sees_others;
  }
  return said;
}

} // namespace troupe::broker

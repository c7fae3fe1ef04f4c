#include "runtime/worker/relay_desk.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/wire/departure.hpp"
#include "runtime/wire/events.hpp"

#include <fmt/format.h>

namespace troupe {

namespace {

constexpr milliseconds announce_again_after{1'000};
// The most that is read from the outbox between two turns.
constexpr std::uint64_t rows_max = 512;
constexpr std::size_t bytes_max = std::size_t{1} << 20U;
// The token of a `journal_joined` that the desk sends itself.
constexpr std::uint64_t same_login = 1;

/// The trouble of an outbox with an event that was committed while `limits.body` was higher.
std::string too_large(const store::outbox_view& event) {
  return fmt::format(
      "event {} of the outbox (topic {}) has a body of {} bytes, more than travels now: "
      "`limits: {{body: ...}}` of the topology was lowered; raise it and restart, all events "
      "behind this one wait",
      event.seq,
      event.topic,
      event.body.size());
}

} // namespace

void relay_desk::take(const item& what) {
  switch (what.what) {
  case item::kind::journal_joined:
    if (what.token == same_login) {
      if (what.login == login_ && !awaits_login_) {
        announce();
      }
      return;
    }
    link_ = what.link;
    login_ = what.login;
    awaits_login_ = false;
    relay_.left();
    is_proven_ = false;
    known_.reset();
    return announce();
  case item::kind::journal_left:
    return relay_.left();
  case item::kind::confirmed:
    return take_confirmed(what);
  default:
    if (const auto read = wire::checked_decode<wire::resend>(what.body)) {
      relay_.resend({read->from, read->to});
    }
  }
}

std::uint32_t relay_desk::forget_login() {
  relay_ = {};
  is_proven_ = false;
  known_.reset();
  confirmed_ = {};
  awaits_login_ = true;
  return login_;
}

void relay_desk::take_confirmed(const item& what) {
  const auto read = wire::checked_decode<wire::confirmed>(what.body);
  if (!read || relay_.is_down()) {
    return; // About a login that is over or void: the next one begins with another.
  }
  TROUPE_FAULT("relay.confirmed");
  if (!read->refused.empty()) {
    return refused(read->refused);
  }
  if (relay_.is_refused()) {
    return announce(); // The broker takes this outbox again.
  }
  store::outbox_mark taken{
      read->up_to, read->id.value_or(uuid{}), read->position.value_or(0), read->digest};
  if (!is_proven_ && !is_proven(taken, read->digest_from.value_or(0))) {
    return;
  }
  relay_.confirmed(taken.confirmed, group_.parts().time.now());
  if (taken.confirmed > confirmed_.confirmed) {
    if (known_ && taken.confirmed == known_->confirmed && taken.position == 0) {
      taken.position = known_->position; // A broker that has restarted no longer knows it.
    }
    confirmed_ = taken;
  }
  group_.counters().outbox_confirmed.store(relay_.confirmed(), std::memory_order_relaxed);
}

/// Compares the number that the journal has taken with the outbox, once in a login. If they do not
/// fit, nothing is deleted and nothing leaves.
bool relay_desk::is_proven(const store::outbox_mark& taken, std::uint64_t digest_from) {
  try {
    store::outbox outbox{*store_.database};
    const outbox_view_of_journal seen{
        known_.value_or(store::outbox_mark{}),
        outbox.newest().first,
        outbox.id_of(taken.confirmed),
        outbox.digest_between(digest_from, taken.confirmed)};
    const outbox_fit fit = fit_of(seen, taken);
    is_proven_ = fit == outbox_fit::fits;
    if (!is_proven_) {
      const std::string why = describe_fit(fit, group_.name(), seen, taken.confirmed);
      announce(why);
      refused(why);
    }
  } catch (const store::database_error& fault) {
    failed(fault);
  }
  return is_proven_;
}

void relay_desk::refused(std::string why) {
  relay_.refused();
  if (group_.condition().outbox_trouble() == why) {
    return; // The trouble was said already, by this process or the broker.
  }
  group_.parts().log.write("outbox.refused", {{"capability", group_.name()}, {"reason", why}});
  group_.condition().set_outbox_trouble(std::move(why));
}

/// Announces the outbox's newest number to the broker, which confirms its events and requests
/// missing ones.
///
/// The confirmed number is read first, once per login, so that no answer can be older: other
/// processes may learn and store newer numbers at any time.
void relay_desk::announce(std::optional<std::string> trouble) {
  try {
    store::outbox outbox{*store_.database};
    if (!known_) {
      known_ = outbox.mark();
      if (known_->confirmed < confirmed_.confirmed) {
        known_ = confirmed_; // The mark of this process is not written down yet.
      }
    }
    const auto [seq, id] = outbox.newest();
    out_.append(
        link_,
        wire::kind::outbox,
        wire::encoded(wire::outbox_state{
            group_.name(), store_.database->instance(), seq, id, std::move(trouble)}));
    relay_.joined(seq, group_.parts().time.now());
    group_.condition().set_outbox_trouble({});
    group_.counters().outbox_newest.store(relay_.newest(), std::memory_order_relaxed);
  } catch (const store::database_error& fault) {
    failed(fault);
  }
}

void relay_desk::failed(const store::database_error& fault) {
  group_.parts().log.write(
      "outbox.unreadable", {{"capability", group_.name()}, {"reason", fault.what()}});
  shut_if_damaged(group_, fault);
  relay_.left();
  out_.queue_again(
      announce_again_after,
      {.what = item::kind::journal_joined, .link = link_, .token = same_login, .login = login_});
}

/// Compares the outbox's newest number, as found by a turn, with the confirmed number, which was
/// committed before.
void relay_desk::compare(std::uint64_t newest) {
  relay_.noticed(newest, group_.parts().time.now());
  group_.counters().outbox_newest.store(relay_.newest(), std::memory_order_relaxed);
  if (confirmed().confirmed > newest) {
    const std::uint64_t taken = relay_.confirmed();
    const std::string why = describe_fit(
        outbox_fit::database_is_older, group_.name(), {.mark = {}, .newest = newest}, taken);
    announce(why);
    refused(why);
  }
}

void relay_desk::committed(const turn_output& output) {
  if (output.next_event != 0) {
    compare(output.next_event - 1);
  }
  if (output.takeovers != 0 && relay_.is_up()) {
    announce(); // The process taken over may have died before relaying its whole outbox.
  }
  if (output.events.empty()) {
    return;
  }
  const std::uint64_t leaving = relay_.committed(output.events.front().seq, output.events.size());
  group_.counters().outbox_newest.store(relay_.newest(), std::memory_order_relaxed);
  for (std::uint64_t i = 0; i < leaving; ++i) {
    const store::outbox_row& row = output.events[i];
    send({row.seq, row.id, row.topic, row.key, row.body, row.trace});
  }
}

void relay_desk::send_from_table() {
  const auto rows = relay_.to_read(rows_max);
  if (!rows) {
    return;
  }
  std::string trouble;
  try {
    const std::uint64_t last = store::outbox{*store_.database}.read(
        rows->first, rows->last, bytes_max, [&](const store::outbox_view& row) {
          if (row.body.size() > wire::carried_bytes_max(group_.parts().body_bytes_max)) {
            trouble = too_large(row);
            return false;
          }
          send(row);
          return true;
        });
    relay_.sent(last);
    if (!trouble.empty()) {
      stop(trouble);
    }
  } catch (const store::database_error& fault) {
    failed(fault);
  }
}

/// Relays nothing more of this outbox: its order allows no gap.
void relay_desk::stop(const std::string& trouble) {
  relay_.refused();
  group_.condition().set_outbox_trouble(trouble);
  group_.parts().log.write("outbox.stopped", {{"capability", group_.name()}, {"reason", trouble}});
}

void relay_desk::send(const store::outbox_view& event) {
  TROUPE_FAULT("relay.before_send");
  out_.relay(link_, event);
  group_.counters().relayed.fetch_add(1, std::memory_order_relaxed);
}

void relay_desk::check_progress(instant now) {
  if (relay_.is_stalled(now)) {
    announce();
  }
}

} // namespace troupe

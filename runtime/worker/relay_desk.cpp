#include "runtime/worker/relay_desk.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/wire/events.hpp"

namespace troupe {

namespace {

constexpr milliseconds announce_again_after{1'000};
// Read from the outbox between two turns, at most.
constexpr std::uint64_t rows_max = 512;
constexpr std::size_t bytes_max = std::size_t{1} << 20U;

} // namespace

void relay_desk::take(const item& what) {
  switch (what.what) {
  case item::kind::journal_joined:
    link_ = what.link;
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

void relay_desk::take_confirmed(const item& what) {
  const auto read = wire::checked_decode<wire::confirmed>(what.body);
  if (!read) {
    return;
  }
  TROUPE_FAULT("relay.confirmed");
  relay_.confirmed(read->up_to, group_.parts().time.now());
  group_.counters().outbox_confirmed.store(relay_.confirmed(), std::memory_order_relaxed);
  if (!read->refused.empty()) {
    relay_.refused();
    group_.condition().set_outbox_trouble(read->refused);
    group_.parts().log.write(
        "outbox.refused", {{"capability", group_.name()}, {"reason", read->refused}});
  } else if (relay_.is_refused()) {
    announce(); // The broker takes this outbox again.
  }
}

/// Tells the broker how far the outbox goes; it confirms what it has and asks for what it misses.
void relay_desk::announce() {
  try {
    const auto [seq, id] = store::outbox{*store_.database}.newest();
    out_.append(
        link_,
        wire::kind::outbox,
        wire::encoded(wire::outbox_state{group_.name(), store_.database->instance(), seq, id}));
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
  if (fault.kind == store::database_fault::corrupt) {
    group_.shut(fault.to_error());
  }
  relay_.left();
  out_.queue_again(announce_again_after, {.what = item::kind::journal_joined, .link = link_});
}

void relay_desk::committed(const turn_output& output) {
  if (output.took_over && relay_.is_up()) {
    announce(); // The process taken over may have died before relaying its whole outbox.
  }
  if (output.events.empty()) {
    return;
  }
  const std::uint64_t leaving = relay_.committed(output.events.front().seq, output.events.size());
  group_.counters().outbox_newest.store(relay_.newest(), std::memory_order_relaxed);
  for (std::uint64_t i = 0; i < leaving; ++i) {
    const store::outbox_row& row = output.events[i];
    send({row.seq, row.id, row.topic, row.key, row.body});
  }
}

void relay_desk::send_from_table() {
  const auto rows = relay_.to_read(rows_max);
  if (!rows) {
    return;
  }
  std::uint64_t last = rows->last;
  std::size_t bytes = 0;
  try {
    store::outbox{*store_.database}.read(
        rows->first, rows->last, [&](const store::outbox_view& row) {
          send(row);
          bytes += row.body.size();
          if (bytes > bytes_max) {
            last = row.seq;
            return false;
          }
          return true;
        });
    relay_.sent(last);
  } catch (const store::database_error& fault) {
    failed(fault);
  }
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

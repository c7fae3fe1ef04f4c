#include "runtime/observe/log_level.hpp"

#include <algorithm>
#include <array>

namespace troupe::observe {

namespace {

constexpr auto errors = std::to_array<std::string_view>({
    "broker.refused",
    "call_convicted",
    "call_set_aside",
    "database_went_back",
    "effect.left_alone",
    "epochs_went_back",
    "event_buried",
    "event_convicted",
    "event_set_aside",
    "events_stopped",
    "gateway.not_started",
    "internal_fault",
    "journal.unreadable_order",
    "journal_out_of_touch",
    "journal_read_failed",
    "journal_unusable",
    "journal_went_back",
    "journal_write_failed",
    "not_listening",
    "outbox.refused",
    "outbox.stopped",
    "outbox.unreadable",
    "outbox_refused",
    "request.failed",
    "saga.failed",
    "saga.left_alone",
    "saga.needs_person",
    "saga.parked",
    "store.turn_failed",
    "store.went_back",
    "worker.broken",
    "worker.end_overdue",
    "worker.not_started",
    "worker.refused",
    "worker.watchdog",
});

constexpr auto warnings = std::to_array<std::string_view>({
    "access_refused",
    "answers.differ",
    "breaker.forced",
    "breaker.open",
    "breaker.still_forced",
    "broker.lost",
    "call.ahead_of_clock",
    "call_suspected",
    "certificates.kept",
    "dead_letter_decided",
    "difference.not_published",
    "effect.failed",
    "effect.not_settled",
    "effect.not_started",
    "effect.overdue",
    "event.left_alone",
    "event_missing",
    "event_suspected",
    "events.refused",
    "events.too_many",
    "flags.not_kept",
    "flags.out_of_touch",
    "flags.unreadable",
    "group.down",
    "journal_given_up",
    "key_not_replaced",
    "keys.kept",
    "legacy.failed",
    "links_stuck",
    "log.left_out",
    "log.lines_lost",
    "login_refused",
    "messages_dropped",
    "outbox_gap",
    "outbox_replaced",
    "regular_work.failed",
    "replica.failed",
    "scheduled_id_taken",
    "stood_still",
    "store.away",
    "store.checkpoint_failed",
    "store.checkpoint_long",
    "store.fenced",
    "store.lock_awaited",
    "store.not_resigned",
    "store.stalled_holder_killed",
    "store.time_ahead",
    "strange_topic",
    "stray_reply",
    "subscriber_gone",
    "sweep_failed",
    "token.not_renewed",
    "token_keys.kept",
    "too_many_connections",
    "traces.not_sent",
    "traces.refused",
    "worker_lost",
    "worker_misspoke",
});

static_assert(std::ranges::is_sorted(errors));
static_assert(std::ranges::is_sorted(warnings));

} // namespace

std::string_view name_of(log_level level) {
  return level == log_level::error ? "error" : level == log_level::warning ? "warning" : "info";
}

log_level level_of(std::string_view event) {
  return std::ranges::binary_search(errors, event)     ? log_level::error
         : std::ranges::binary_search(warnings, event) ? log_level::warning
                                                       : log_level::info;
}

} // namespace troupe::observe

#include "runtime/broker/server/self_report.hpp"

#include "runtime/broker/server/status.hpp"
#include "runtime/config.hpp"
#include "runtime/observe/told_spans.hpp"
#include "runtime/wire/departure.hpp"
#include "runtime/wire/description_page.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace troupe::broker {

namespace {

constexpr milliseconds probe_patience_max{250};
constexpr std::string_view empty_map = "\x80";

} // namespace

outcome<std::string>
self_report::answer(std::string_view operation, std::string_view body, instant now) {
  if (operation == "status") {
    return status_answer(now);
  }
  if (operation == "ping") {
    return std::string{empty_map};
  }
  if (operation == "spans" && of_.calls.spans() != nullptr) {
    return observe::told_spans(
        *of_.calls.spans(),
        of_.options.name,
        body,
        wire::carried_bytes_max(of_.options.body_bytes_max),
        &kept_);
  }
  if (operation == "keep_spans") {
    return kept_.add(body).map([] { return std::string{empty_map}; });
  }
  if (operation == "describe") {
    return describe(body);
  }
  return failure{error{
      .code = errc::unknown_operation,
      .message = fmt::format(
          "`troupe.broker` has no operation `{}`; it has `status`, `describe`, `spans`, "
          "`keep_spans` and "
          "`ping`",
          operation)}};
}

/// The description of the topology's capabilities, for peers that have no file.
outcome<std::string> self_report::describe(std::string_view body) const {
  TROUPE_TRY(
      const auto asked,
      body.empty() ? outcome<wire::describe_node>{wire::describe_node{}}
                   : wire::checked_decode<wire::describe_node>(body));
  auto page = wire::page_of(
      of_.options.described, asked, wire::carried_bytes_max(of_.options.body_bytes_max));
  if (asked.capability && page.capabilities.empty()) {
    std::vector<std::string> known;
    for (const wire::capability_description& each : of_.options.described) {
      known.push_back(each.capability);
    }
    return failure{error{
        .code = errc::unknown_capability,
        .message = fmt::format(
            "the topology has no capability `{}`{}",
            *asked.capability,
            did_you_mean(*asked.capability, known))}};
  }
  return wire::encoded(
      wire::system_description{of_.options.system, std::move(page.capabilities), page.next});
}

instant self_report::next_due() const {
  if (!asked_.is_asked()) {
    return instant::max();
  }
  return probing_since_ ? *probing_since_ + probe_patience() : instant{}; // At once.
}

/// The status for peers, within the size of an answer. Made once per pass of the loop: with a
/// thousand capabilities it takes milliseconds.
const std::string& self_report::status_answer(instant now) {
  if (said_at_ != now || said_.empty()) {
    said_at_ = now;
    said_ = make_status_answer(now);
  }
  return said_;
}

std::string self_report::make_status_answer(instant now) const {
  wire::broker_status said = status(now);
  std::string all = wire::encoded(said);
  if (all.size() <= wire::carried_bytes_max(of_.options.body_bytes_max)) {
    return all;
  }
  leave_out_details(said);
  return wire::encoded(said);
}

milliseconds self_report::probe_patience() const {
  return std::min(probe_patience_max, of_.options.heartbeat.timeout / 2);
}

/// Answers the requests for a snapshot, once the journal has answered.
void self_report::due(instant now) {
  if (!asked_.is_asked()) {
    return;
  }
  event_service* const events = of_.calls.events();
  if (!probing_since_ && events != nullptr) {
    events->gauge().probe(now);
  }
  probing_since_ = probing_since_.value_or(now);
  if (events == nullptr || events->gauge().is_answered()
      || now - *probing_since_ >= probe_patience()) {
    probing_since_.reset();
    asked_.answer([&] { return snapshot(now); });
  }
}

broker_snapshot self_report::snapshot(instant now) {
  broker_snapshot said{.status = status(now), .times = times_of(of_.calls.calls())};
  if (event_service* const events = of_.calls.events()) {
    said.events = events->gauge().look(now);
  }
  return said;
}

wire::broker_status self_report::status(instant now) const {
  wire::broker_status said = status_of(of_.calls.calls(), of_.log, now);
  said.broker = of_.options.name;
  said.incarnation = to_string(of_.options.incarnation);
  said.uptime_ms =
      static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(now - started_).count());
  said.draining = of_.draining.has_begun();
  said.counters.malformed = of_.counts.malformed;
  said.counters.unauthenticated = of_.counts.unauthenticated;
  said.counters.undeliverable = of_.out.undeliverable();
  said.counters.unread = of_.out.unread();
  said.counters.dropped = of_.counts.dropped;
  said.counters.clients_joined = of_.desk.clients_joined();
  said.counters.clients_lost = of_.desk.clients_lost();
  said.counters.stood_still = of_.counts.stood_still;
  said.counters.turned_away = of_.loop.turned_away();
  said.gateways = of_.desk.gateways();
  said.ending = of_.desk.ending(now);
  said.journal = of_.journal.seat();
  said.plan = of_.options.router.shared_plan_digest;
  said.counters.keys_refused = of_.options.keys_refused ? of_.options.keys_refused() : 0;
  said.counters.forbidden = of_.access.refused();
  said.counters.logins_refused += of_.counts.logins_refused;
  said.counters.renewals_refused = of_.counts.renewals_refused;
  return said;
}

} // namespace troupe::broker

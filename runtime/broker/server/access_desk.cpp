#include "runtime/broker/server/access_desk.hpp"

#include "runtime/broker/events/operations.hpp"
#include "runtime/security/audit_line.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/source_entry.hpp"

#include <fmt/format.h>

namespace troupe::broker {

namespace {

using security::act;

} // namespace

error access_desk::refusal(
    security::rules::row who, std::string_view name, const wish& wanted, instant now) {
  const std::size_t series =
      static_cast<std::size_t>(who) * security::act_count + static_cast<std::size_t>(wanted.what);
  if (const auto count = calls_.note(series, now)) {
    const std::string rule = rules_->rule_of(who, name, wanted.what);
    const security::refused_act refused{
        .who = name, .act = security::name_of(wanted.what), .what = wanted.target, .rule = rule};
    log_.write_aside({std::string{security::audit_event}, security::audit_line(refused, *count)});
  }
  return rules_->refusal(who, name, wanted.what, wanted.target);
}

void access_desk::note_login(
    security::rules::row who,
    std::string_view name,
    const wire::hello& login,
    std::string_view rule,
    const error& why,
    instant now) {
  if (const auto count = logins_.note(static_cast<std::size_t>(who), now)) {
    const std::string what = fmt::format("{} {}", login.role, login.node);
    const security::refused_act refused{
        .who = name, .act = "login", .what = what, .rule = rule, .why = why.message};
    log_.write_aside({std::string{security::audit_event}, security::audit_line(refused, *count)});
  }
}

std::optional<access_desk::wish> access_desk::denied(
    security::rules::row who, const wire::header_view& call, std::string_view body) {
  if (granted_.has(who, call.to, call.op)) {
    return std::nullopt;
  }
  if (call.to == "troupe.publish") {
    return rules_->may_publish(who, call.op)
               ? std::nullopt
               : std::optional{wish{act::publish, std::string{call.op}}};
  }
  if (call.to == "troupe.events" && (call.op == "read" || call.op == "schedule")) {
    return denied_of_events(who, call, body);
  }
  // The existence of the broker is no secret.
  const bool is_ping = call.to == "troupe.broker" && call.op == "ping";
  if (is_ping || rules_->may_call(who, call.to, call.op)) {
    granted_.add(who, call.to, call.op);
    return std::nullopt;
  }
  return wish{act::call, fmt::format("{}.{}", call.to, call.op)};
}

/// The topics of a request to the journal. An unreadable request is let pass, since the part that
/// answers it refuses it.
std::optional<access_desk::wish> access_desk::denied_of_events(
    security::rules::row who, const wire::header_view& call, std::string_view body) const {
  if (call.op == "schedule") {
    const auto what = wire::checked_decode<wire::schedule_event>(body);
    return !what || rules_->may_publish(who, what->topic)
               ? std::nullopt
               : std::optional{wish{act::publish, what->topic}};
  }
  if (body.size() > question_bytes_max) {
    return std::nullopt;
  }
  if (const auto what = wire::checked_decode<wire::read_events>(body)) {
    for (const std::string& each : what->patterns) {
      if (!rules_->may_read(who, each)) {
        return wish{act::read, each};
      }
    }
  }
  return std::nullopt;
}

std::string_view access_desk::name_sender(
    security::rules::row who, wire::header_view& header, std::string_view bytes) {
  return wire::put_source(header, bytes, rules_->name_of(who), header_);
}

} // namespace troupe::broker

#include "runtime/gateway/problem_of.hpp"

namespace troupe::gateway {

namespace {

constexpr std::chrono::milliseconds usual_wait{1'000};

int status_of(const error& why, const reason_statuses& statuses) {
  switch (why.code) {
  case errc::rejected: {
    const auto own = statuses.find(why.detail("reason"));
    return own == statuses.end() ? 422 : own->second;
  }
  case errc::invalid:
    return 400;
  case errc::conflict:
    return why.detail("reason") == "id_reused" ? 422 : 409;
  case errc::unauthenticated:
    return 401;
  case errc::forbidden:
    return 403;
  case errc::overloaded:
    return why.detail("reason") == too_many_bad_tokens ? 429 : 503;
  case errc::circuit_open:
  case errc::unavailable:
    return 503;
  case errc::deadline_exceeded:
    return 504;
  case errc::crashed:
  case errc::internal:
    return 500;
  case errc::unknown_capability:
  case errc::unknown_operation:
    return 502;
  }
  return 500;
}

constexpr std::string_view called_off = "ordered";

/// Whether the message is about the inside of the system: a database and its file, or who has
/// forced a breaker or called off a saga, and why. A capability that refuses may mean something
/// else by `fault`: of refusals, only those of a saga count, whose step failed for such a reason or
/// which a person called off.
bool is_for_operators(const error& why) {
  const std::string_view fault = why.detail("fault");
  const std::string_view reason = why.detail("reason");
  return !fault.empty()
         && (why.code != errc::rejected || errc_named(reason)
             || (fault == called_off && reason == "compensate"));
}

/// What is said instead.
std::string_view words_for_clients(const error& why) {
  if (why.detail("fault") == called_off) {
    return "The operation was cancelled by an operator.";
  }
  switch (why.code) {
  case errc::unavailable:
  case errc::circuit_open:
  case errc::rejected:
    return "The operation is not possible at the moment.";
  case errc::conflict:
    return "The operation conflicts with stored data.";
  default:
    return "The operation failed inside the system.";
  }
}

} // namespace

error for_clients(error why) {
  if (is_for_operators(why)) {
    why.message = words_for_clients(why);
  }
  return why;
}

http::problem
problem_of(const error& why, const std::optional<uuid>& call, const reason_statuses& statuses) {
  http::problem made{
      .status = status_of(why, statuses),
      .code = std::string{name_of(why.code)},
      .detail = why.message};
  made.texts = {{"effect", why.possible == effect::none ? "none" : "unknown"}};
  if (call) {
    made.texts.emplace_back("call_id", to_string(*call));
  }
  if (why.is_final) {
    made.texts.emplace_back("final", "true");
  }
  // Appended after the members above, so that a detail of the same name does not replace one.
  made.texts.insert(made.texts.end(), why.details.begin(), why.details.end());
  made.numbers.emplace_back("number", static_cast<std::int64_t>(why.code));
  if (why.retry_after || made.status == 503) {
    made.numbers.emplace_back("retry_after_ms", why.retry_after.value_or(usual_wait).count());
  }
  return made;
}

} // namespace troupe::gateway

#include "runtime/gateway/server/token_audit.hpp"

#include "runtime/security/audit_line.hpp"

namespace troupe::gateway {

void token_audit::note(
    std::string_view route,
    std::string_view from,
    std::string_view who,
    const error& why,
    instant now) {
  refused_.fetch_add(1, std::memory_order_relaxed);
  const std::size_t number = who.empty() ? place_(from) % series : series + place_(who) % series;
  if (const auto count = sample_.note(number, now)) {
    const std::string right = std::string{who} + ".call";
    to_(security::audit_line(
        {.who = who,
         .act = "request",
         .what = route,
         .rule = who.empty() ? "token: required" : std::string_view{right},
         .from = from,
         .why = why.message},
        *count));
  }
}

} // namespace troupe::gateway

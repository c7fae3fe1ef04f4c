#include "runtime/gateway/server/token_audit.hpp"

#include "runtime/security/audit_line.hpp"

namespace troupe::gateway {

void token_audit::note(
    std::string_view route, std::string_view from, const error& why, instant now) {
  refused_.fetch_add(1, std::memory_order_relaxed);
  if (const auto count = sample_.note(place_(from) % series, now)) {
    to_(security::audit_line(
        {.act = "request",
         .what = route,
         .rule = "token: required",
         .from = from,
         .why = why.message},
        *count));
  }
}

} // namespace troupe::gateway

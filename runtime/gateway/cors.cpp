#include "runtime/gateway/cors.hpp"

#include "runtime/contains.hpp"
#include "runtime/http/fields.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::gateway {

namespace {

constexpr std::string_view request_fields =
    "Content-Type, Idempotency-Key, Prefer, Traceparent, Last-Event-ID";
constexpr std::string_view response_fields =
    "Location, Retry-After, Preference-Applied, Traceresponse";

/// The fields that a preflight names are all allowed, since it is unknown which ones a legacy
/// system or a page's tracing (`tracestate`, `baggage`) needs. Only the origin decides who may read
/// answers.
std::string fields_wanted(const http::request& asked) {
  const auto names = http::list_members(asked.listed("access-control-request-headers"));
  return names.empty() || !std::ranges::all_of(names, http::is_token)
             ? std::string{request_fields}
             : fmt::format("{}", fmt::join(names, ", "));
}

/// Chromium caches a preflight for at most two hours, whatever the answer says.
constexpr std::string_view preflight_seconds = "7200";

} // namespace

bool cors::names(std::string_view origin) const {
  return contains(origins_, origin);
}

bool cors::refuses_site_of(const http::request& asked) const {
  return asked.field("sec-fetch-site") == "cross-site"
         && !names(asked.field("origin").value_or(""));
}

http::field_list cors::fields_for(std::string_view origin) const {
  if (origins_.empty()) {
    return {};
  }
  // Sent with every answer, so that no cache gives one site the answer meant for another.
  http::field_list fields{{"Vary", "Origin"}};
  if (names(origin)) {
    fields.emplace_back("Access-Control-Allow-Origin", origin);
    fields.emplace_back("Access-Control-Expose-Headers", response_fields);
  }
  return fields;
}

http::response cors::answer_options(const http::request& asked, const std::string& allow) {
  http::response answer{.status = 204, .fields = {{"Allow", allow}}};
  if (asked.field("origin") && asked.field("access-control-request-method")) {
    answer.fields.emplace_back("Access-Control-Allow-Methods", allow);
    answer.fields.emplace_back("Access-Control-Allow-Headers", fields_wanted(asked));
    answer.fields.emplace_back("Access-Control-Max-Age", preflight_seconds);
  }
  return answer;
}

} // namespace troupe::gateway

#include "runtime/observe/health.hpp"

#include "runtime/time_text.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace troupe::observe {

namespace {

std::string_view word_for(bool is_good, health_words words) {
  if (words == health_words::plain) {
    return is_good ? "healthy" : "unhealthy";
  }
  return is_good ? "pass" : "fail";
}

/// The time in milliseconds, to the microsecond.
double response_time(std::chrono::nanoseconds took) {
  return std::round(std::chrono::duration<double, std::micro>{took}.count()) / 1'000;
}

} // namespace

bool health::is_healthy() const {
  return is_ready() && std::ranges::all_of(checks, [](const health_check& each) {
           return each.error.empty();
         });
}

std::string
to_json(const health& of, std::chrono::nanoseconds took, health_words words, wall_time now) {
  nlohmann::ordered_json checks = nlohmann::ordered_json::object();
  for (const health_check& each : of.checks) {
    auto& check = checks[each.name] = {
        {"status", word_for(each.error.empty(), words)},
        {"responseTime", response_time(each.took.value_or(took))}};
    if (!each.error.empty()) {
      check["error"] = each.error;
    }
  }
  const bool is_warning = words == health_words::standard && !of.is_healthy() && of.is_ready();
  return nlohmann::ordered_json{
      {"status", is_warning ? "warn" : word_for(of.is_healthy(), words)},
      {"checks", std::move(checks)},
      {"timestamp", utc_time_text(now)}}
      .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

health not_live(milliseconds waited) {
  std::string why =
      fmt::format("the loop of this process did not answer for {} ms", waited.count());
  return {.unready = why, .checks = {{"loop", why}}, .stuck = why};
}

} // namespace troupe::observe

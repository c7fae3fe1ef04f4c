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

/// The time in milliseconds, rounded to microseconds.
double response_time(std::chrono::nanoseconds took) {
  return std::round(std::chrono::duration<double, std::micro>{took}.count()) / 1'000;
}

nlohmann::ordered_json
check_of(const health_check& each, std::chrono::nanoseconds took, health_words words) {
  nlohmann::ordered_json check{{"status", word_for(each.error.empty(), words)}};
  if (words == health_words::plain) {
    check["responseTime"] = response_time(took);
  } else {
    check["observedValue"] = response_time(took);
    check["observedUnit"] = "ms";
  }
  if (!each.error.empty()) {
    check[words == health_words::plain ? "error" : "output"] = each.error;
  }
  return check;
}

/// The word for the overall state.
std::string_view verdict_on(const health& of, health_words words) {
  const bool is_warning = words == health_words::standard && !of.is_healthy() && of.is_ready();
  return is_warning ? "warn" : word_for(of.is_healthy(), words);
}

} // namespace

bool health::is_healthy() const {
  return is_ready() && std::ranges::all_of(checks, [](const health_check& each) {
           return each.error.empty();
         });
}

int status_of(const health& of, health_words words) {
  return of.is_healthy() || (words == health_words::standard && of.is_ready()) ? 200 : 503;
}

std::string
to_json(const health& of, std::chrono::nanoseconds took, health_words words, wall_time now) {
  const bool is_plain = words == health_words::plain;
  nlohmann::ordered_json checks = nlohmann::ordered_json::object();
  for (const health_check& each : of.checks) {
    nlohmann::ordered_json check = check_of(each, each.took.value_or(took), words);
    checks[each.name] =
        is_plain ? std::move(check) : nlohmann::ordered_json::array({std::move(check)});
  }
  nlohmann::ordered_json said{{"status", verdict_on(of, words)}};
  if (!is_plain && !of.is_ready()) {
    said["output"] = of.unready;
  }
  said["checks"] = std::move(checks);
  said["timestamp"] = utc_time_text(now);
  return said.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

health not_live(milliseconds waited) {
  std::string why =
      fmt::format("the loop of this process did not answer for {} ms", waited.count());
  return {.unready = why, .checks = {{"loop", why}}, .stuck = why};
}

} // namespace troupe::observe

#include "runtime/gateway/routes.hpp"

#include "runtime/gateway/event_text.hpp"
#include "runtime/gateway/idempotency.hpp"
#include "runtime/http/target.hpp"
#include "runtime/observe/trace_context.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/limits.hpp"
#include "tests/fuzz/target.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace troupe::fuzz {

namespace {

using namespace std::chrono_literals;

/// What requests say in fields: ids, times, how long they wait.
void try_fields(std::string_view text) {
  if (const auto id = parse_uuid(text)) {
    expect(parse_uuid(to_string(*id)) == id);
  }
  if (const auto time = parse_utc_time(text)) {
    const auto again = parse_utc_time(utc_time_text(*time));
    expect(again && unix_millis(*again) == unix_millis(*time));
  }
  const milliseconds most{5'000};
  const milliseconds deadline = gateway::deadline_of(most, gateway::wait_preferred(text));
  expect(deadline >= milliseconds{1} && deadline <= most);
  const std::string trace = observe::trace_text(text, text);
  const auto [parent, state] = observe::fields_of(trace);
  expect(observe::trace_text(parent, state) == trace && trace.size() <= wire::key_bytes_max);
  (void)gateway::position_in(text);
  const auto key = gateway::read_key(text, {"ann", "POST /api/orders"});
  if (!key) {
    return expect(key.error().detail("reason") == "bad_key");
  }
  const wall_time now{std::chrono::hours{24 * 365 * 56}};
  const auto call = gateway::call_id_of(*key, key->born.value_or(now), now, milliseconds{1h});
  expect(call ? call->version() == 8 : !call.error().detail("reason").empty());
}

/// Lines of routes, then a target that may match some of them.
void try_routes(std::string_view text) {
  try_fields(text);
  std::vector<gateway::route_key> routes;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const auto key = gateway::route_key::parse(text.substr(0, end));
    if (!key || routes.size() == 8) {
      break;
    }
    routes.push_back(*key);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  const auto asked = http::read_target(text);
  std::size_t taken = 0;
  bool is_table = true;
  for (const auto& one : routes) {
    expect(gateway::route_path::parse(one.path.text()).has_value() && one.overlaps(one));
    for (const auto& other : routes) {
      expect(one.overlaps(other) == other.overlaps(one));
      is_table = is_table && (&one == &other || !one.overlaps(other));
      // What two routes take shows that they overlap.
      expect(
          !asked || one.path.overlaps(other.path)
          || !(one.path.match(asked->target.path) && other.path.match(asked->target.path)));
    }
    if (asked && one.method == http::method::get) {
      const auto values = one.path.match(asked->target.path);
      expect(!values || values->size() == one.path.names().size());
      taken += values ? 1 : 0;
    }
  }
  if (asked && is_table) {
    const auto found = gateway::find_route(routes, http::method::get, asked->target.path);
    expect(taken == (std::holds_alternative<gateway::route_found>(found) ? 1U : 0U));
  }
}

const target registered{"routes", try_routes};

} // namespace

} // namespace troupe::fuzz

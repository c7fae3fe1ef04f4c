#include "nodes/gateway_routes.hpp"

#include "nodes/span_export.hpp"
#include "runtime/gateway/server/call_route.hpp"
#include "runtime/gateway/server/events_route.hpp"
#include "runtime/gateway/server/token_route.hpp"
#include "topology/gateways.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <utility>
#include <variant>

namespace troupe {

namespace {

using namespace std::chrono_literals;

/// How much longer than its call a request may wait for its answer.
constexpr milliseconds answer_margin = 5s;

/// Longer than the 60 s for which proxies and load balancers keep an idle connection by default, so
/// that they close it first, and do not send a request on a connection that is being closed here.
constexpr milliseconds idle_kept = 75s;

/// The most connections, if enough descriptors are available.
constexpr std::size_t gateway_connections_max = 32'768;
/// At least this many bodies of the largest size may arrive at once; one address may send half of
/// them.
constexpr std::size_t bodies_at_once = 16;

std::string text_of(const gateway::route_key& key) {
  return fmt::format("{} {}", http::name_of(key.method), key.path.text());
}

gateway::call_route_options options_of(
    const topology::call_route_plan& route,
    const gateway::route_key& key,
    const topology::plan& plan,
    const std::vector<topology::actor_type>& types) {
  // A checked plan has only known capabilities and operations.
  const auto& capability = *plan.find(route.capability);
  const auto& described = topology::type_named(capability.actor, types)->described;
  const auto& operation = *described.find(route.operation);
  return {
      .name = text_of(key),
      .path = key.path.text(),
      .capability = route.capability.value,
      .operation = route.operation,
      .changes = operation.kind != wire::operation_kind::query,
      .deadline = route.deadline,
      .status = route.status,
      .rejected = route.rejected,
      .wants_key = route.wants_key,
      .key_field = route.key_field,
      .inbox_kept = capability.inbox_kept,
      .all = described.types,
      .request = operation.request.value_or(""),
      .reply = operation.reply.value_or(""),
      .sampling = sampling_of(plan, route.capability.value)};
}

/// The types of the events that the capabilities of `plan` publish.
std::vector<gateway::event_type>
event_types(const topology::plan& plan, const std::vector<topology::actor_type>& types) {
  std::vector<gateway::event_type> known;
  for (const topology::capability_plan& each : plan.capabilities) {
    const auto& described = topology::type_named(each.actor, types)->described;
    for (const wire::topic_description& topic : described.publishes) {
      if (topic.event) {
        known.push_back({topic.pattern, *topic.event, described.types});
      }
    }
  }
  return known;
}

milliseconds longest_answer(const topology::plan& plan, const topology::gateway_plan& self) {
  milliseconds longest = 0ms;
  for (const topology::route_plan& each : self.routes) {
    if (const auto* const call = std::get_if<topology::call_route_plan>(&each.does)) {
      longest = std::max<milliseconds>(longest, call->deadline);
    }
  }
  for (const topology::strangler_plan& each : plan.features) {
    longest = std::max(longest, each.feature.how.deadline);
  }
  return longest;
}

milliseconds longest_kept(const topology::plan& plan, const topology::gateway_plan& self) {
  milliseconds longest = 0ms;
  for (const topology::route_plan& each : self.routes) {
    if (const auto* const call = std::get_if<topology::call_route_plan>(&each.does)) {
      longest = std::max<milliseconds>(longest, plan.find(call->capability)->inbox_kept);
    }
  }
  return longest;
}

} // namespace

gateway::gateway::options
options_of(const topology::plan& plan, const topology::gateway_plan& self) {
  gateway::gateway::options made;
  made.server.address = to_text(self.address);
  if (self.tls) {
    made.server.tls = {self.tls->certificate, self.tls->key};
  }
  made.server.hosts = topology::hosts_of(self);
  made.server.request.body_bytes_max = static_cast<std::size_t>(plan.body_bytes_max);
  made.server.request.handler = longest_answer(plan, self) + answer_margin;
  made.server.request.idle = idle_kept;
  made.server.connections.all = gateway_connections_max;
  made.server.connections.bodies_bytes_max = std::max(
      made.server.connections.bodies_bytes_max,
      bodies_at_once * made.server.request.body_bytes_max);
  if (topology::is_loopback(self.address) || !self.proxies.empty()) {
    // A proxy in front holds all connections.
    made.server.connections.per_address = gateway_connections_max;
  }
  for (const topology::broker_plan& each : plan.brokers) {
    made.calls.brokers.push_back(each.listen);
  }
  made.calls.heartbeat = plan.heartbeat;
  made.calls.body_bytes_max = static_cast<std::size_t>(plan.body_bytes_max);
  made.calls.name = self.name;
  made.origins = self.origins;
  made.each_client = self.rate;
  made.proxies = self.proxies;
  made.trusts_traces = topology::is_local(self);
  if (self.store) {
    made.keys = topology::path_in(*self.store);
    made.keys_kept = longest_kept(plan, self);
  }
  return made;
}

void add_routes(
    gateway::gateway& to,
    const topology::plan& plan,
    const topology::gateway_plan& self,
    const std::vector<topology::actor_type>& types,
    const clock& time,
    gateway_features* moving,
    security::checked_tokens* tokens,
    gateway::token_audit& refusals,
    gateway::request_traces& traces) {
  const auto add = [&](const topology::route_plan& route,
                       std::unique_ptr<gateway::route_handler> handler) {
    if (route.wants_token) {
      handler = std::make_unique<gateway::token_route>(
          gateway::token_route::checking{*tokens, refusals, time},
          text_of(route.key),
          std::move(handler));
    }
    to.add({route.key, std::move(handler)});
  };
  if (tokens != nullptr) {
    to.set_services([tokens, &refusals, &time](const http::request& asked) {
      auto service = gateway::token_route::service_in(asked, {*tokens, refusals, time});
      if (!service) {
        refusals.note("GET /calls/{id}", asked.peer.host, {}, service.error(), time.now());
      }
      return service;
    });
    to.add(
        {*gateway::route_key::parse("GET /.well-known/jwks.json"),
         std::make_unique<gateway::token_keys_route>(*tokens)});
  }
  for (const topology::route_plan& each : self.routes) {
    if (const auto* const call = std::get_if<topology::call_route_plan>(&each.does)) {
      std::unique_ptr<gateway::route_handler> handler = std::make_unique<gateway::call_route>(
          options_of(*call, each.key, plan, types), time, traces, to.calls(), to.book(), to.keys());
      if (!call->feature.empty()) {
        handler = moving->route(
            call->feature,
            each.key.path.text(),
            sampling_of(plan, call->capability.value),
            std::move(handler));
      }
      add(each, std::move(handler));
    } else {
      add(each,
          std::make_unique<gateway::events_route>(
              std::get<topology::events_route_plan>(each.does).patterns,
              event_types(plan, types),
              to.calls(),
              to));
    }
  }
  if (!self.otherwise.empty()) {
    to.set_otherwise(moving->route(self.otherwise, {}, sampling_of(plan, {}), nullptr));
  }
}

} // namespace troupe

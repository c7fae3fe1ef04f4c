#include "nodes/gateway_documents.hpp"

#include "nodes/commands/documents/asyncapi.hpp"
#include "nodes/commands/documents/openapi.hpp"
#include "runtime/gateway/server/document_route.hpp"

#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace troupe {

namespace {

void add_document(gateway::gateway& to, std::string_view key, std::string text) {
  to.add(
      {*gateway::route_key::parse(key),
       std::make_unique<gateway::document_route>("application/json", std::move(text))});
}

} // namespace

void add_documents(
    gateway::gateway& to,
    const topology::plan& plan,
    const topology::gateway_plan& self,
    const std::vector<topology::actor_type>& types) {
  add_document(to, "GET /openapi.json", openapi_document(plan, self, types, "/"));
  std::vector<std::string> streamed;
  for (const topology::route_plan& each : self.routes) {
    if (const auto* events = std::get_if<topology::events_route_plan>(&each.does)) {
      streamed.insert(streamed.end(), events->patterns.begin(), events->patterns.end());
    }
  }
  if (!streamed.empty()) {
    add_document(to, "GET /asyncapi.json", asyncapi_document(plan, streamed, types));
  }
}

} // namespace troupe

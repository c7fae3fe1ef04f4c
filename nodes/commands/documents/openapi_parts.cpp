#include "nodes/commands/documents/openapi_parts.hpp"

#include "runtime/http/problem.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

/// @source RFC 9457; runtime/gateway/problem_of.hpp for the extensions.
document problem_schema() {
  return {
      {"type", "object"},
      {"properties",
       {{"type", {{"type", "string"}, {"const", "about:blank"}}},
        {"title", {{"type", "string"}}},
        {"status", {{"type", "integer"}, {"minimum", 400}, {"maximum", 599}}},
        {"detail", {{"type", "string"}, {"description", "what was wrong, and what to do"}}},
        {"code", {{"type", "string"}, {"description", "what went wrong, for programs"}}},
        {"number", {{"type", "integer"}, {"description", "the number of `code` in the protocol"}}},
        {"effect",
         {{"type", "string"},
          {"enum", {"none", "unknown"}},
          {"description", "`none`: nothing was changed; `unknown`: it may have been"}}},
        {"reason", {{"type", "string"}, {"description", "why the operation refused"}}},
        {"pointer",
         {{"type", "string"}, {"description", "JSON pointer to what is wrong with the request"}}},
        {"call_id", {{"type", "string"}, {"format", "uuid"}}},
        {"final",
         {{"type", "string"},
          {"description", "there if a repeat under the same key is answered so again"}}},
        {"retry_after_ms", {{"type", "integer"}, {"minimum", 0}}}}},
      {"required", {"type", "title", "status", "detail", "code"}},
      {"additionalProperties", true}};
}

/// The body of a 202 answer: the id under which the client polls the outcome.
document accepted_schema() {
  return {
      {"type", "object"},
      {"properties", {{"call_id", {{"type", "string"}, {"format", "uuid"}}}}},
      {"required", {"call_id"}}};
}

document shared_responses() {
  const document text = {{"type", "string"}};
  return {
      {"problem", problem_response("Refused, or failed")},
      {"accepted",
       {{"description", "Not answered within the requested wait: ask again later"},
        {"headers",
         {{"Location", {{"description", "where the answer will be"}, {"schema", text}}},
          {"Preference-Applied", {{"schema", text}}},
          {"Retry-After", {{"schema", {{"type", "integer"}}}}}}},
        {"content", json_content(reference("schemas/accepted"))}}}};
}

document idempotency_key(bool is_required) {
  return {
      {"name", "Idempotency-Key"},
      {"in", "header"},
      {"required", is_required},
      {"description",
       "a new UUID for each new request, the same for its repeats, which get the same answer and "
       "do "
       "nothing again; best of version 7"},
      {"schema", {{"type", "string"}, {"minLength", 1}, {"maxLength", 255}}}};
}

document shared_parameters() {
  return {
      {"key", idempotency_key(false)},
      {"required_key", idempotency_key(true)},
      {"prefer",
       {{"name", "Prefer"},
        {"in", "header"},
        {"description",
         "`wait=N`: gives up after N seconds, or earlier if the route says so (RFC 7240)"},
        {"schema", {{"type", "string"}}},
        {"example", "wait=2"}}},
      {"prefer_async",
       {{"name", "Prefer"},
        {"in", "header"},
        {"description",
         "`wait=N`: gives up after N seconds, or earlier if the route says so; `respond-async`: "
         "rather answers 202 then, and at once without `wait` (RFC 7240)"},
        {"schema", {{"type", "string"}}},
        {"example", "respond-async, wait=2"}}}};
}

} // namespace

document reference(std::string_view to) {
  return {{"$ref", fmt::format("#/components/{}", to)}};
}

document problem_response(std::string_view what) {
  return {
      {"description", what},
      {"content", {{http::problem_type, {{"schema", reference("schemas/problem")}}}}}};
}

document busy_response(std::string_view what) {
  document made = problem_response(what);
  made["headers"]["Retry-After"] = {
      {"description", "seconds"}, {"schema", {{"type", "integer"}, {"minimum", 0}}}};
  return made;
}

document json_content(document schema) {
  return {{"application/json", {{"schema", std::move(schema)}}}};
}

document shared_components() {
  return {
      {"schemas", {{"problem", problem_schema()}, {"accepted", accepted_schema()}}},
      {"responses", shared_responses()},
      {"parameters", shared_parameters()}};
}

} // namespace troupe

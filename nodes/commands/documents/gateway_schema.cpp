#include "nodes/commands/documents/gateway_schema.hpp"

#include "nodes/commands/documents/schema_parts.hpp"
#include "runtime/strangler/feature_options.hpp"
#include "topology/gateway_plan.hpp"

#include <utility>

namespace troupe {

namespace {

using topology::call_route_plan;
using topology::gateway_plan;

/// A list in which texts may be repeated.
document any_texts(std::string_view what) {
  document made = list_of(what, of_text("one of them"), 256);
  made.erase("uniqueItems");
  return made;
}

document call_keys() {
  document key = of_text(
      "the field of the request by which calls are ordered: those with one value go to one "
      "replica",
      "^\\{body\\..+\\}$");
  key["examples"] = document::array({"{body.customer}"});
  document rejected = map_of(
      "the status of each reason for which the operation may refuse, where it is not 422",
      ".",
      whole_number("the status of this reason", 400, 499));
  rejected["type"] = {"object", "null"};
  rejected["minProperties"] = 0;
  return {
      {"call",
       address("the operation that it calls: CAPABILITY.OPERATION", "^[^.]+\\..+$", "users.get")},
      {"deadline",
       duration(
           "the most that a call may take; a request may ask for less",
           call_route_plan::deadline_range,
           call_route_plan{}.deadline)},
      {"status",
       {{"description", "of a good answer"},
        {"enum", {200, 201, 202, 204, "200", "201", "202", "204"}},
        {"default", 200}}},
      {"rejected", std::move(rejected)},
      {"idempotency",
       {{"description", "`required`: each request has an Idempotency-Key; it may have one anyway"},
        {"enum", document::array({"required"})}}},
      {"key", std::move(key)},
      {"strangler",
       of_text(
           "the feature whose flag says whether the call or the legacy system answers",
           name_pattern)}};
}

document route() {
  document keys = call_keys();
  keys["token"] = {
      {"description", "`required`: each request has a service token (x-service-token)"},
      {"enum", document::array({"required"})}};
  keys["events"] = list_of(
      "the topics whose events it streams, instead of `call`",
      of_text("a topic, all below one (`order.*`) or all (`*`)", topics_pattern),
      64);
  keys["events"]["minItems"] = 1;
  document made = section("what is done with a request: `call` or `events`", std::move(keys));
  made["type"] = "object";
  // Besides `events`, only `token` is allowed.
  document only_events = document::object();
  for (const auto& [key, unused] : made["properties"].items()) {
    only_events[key] = key == "events" || key == "token";
  }
  made["oneOf"] = document::array(
      {{{"properties", {{"call", true}, {"events", false}}}, {"required", {"call"}}},
       {{"properties", std::move(only_events)}, {"required", {"events"}}}});
  return made;
}

} // namespace

document gateway_schema() {
  document origins = list_of(
      "the sites",
      address("a scheme and a host", "^https?://[a-z0-9.:\\[\\]-]+$", "https://shop.example"),
      64);
  origins.erase("uniqueItems");
  document store = of_text(
      "the database of the times of keys that are no UUIDs of version 7, or `none`", store_pattern);
  store["default"] = "sqlite:data/gateway.db";
  document keys = {
      {"host", host()},
      {"listen",
       address(
           "where it listens: http:// on loopback, or https://",
           "^https?://.+:[0-9]+$",
           "http://127.0.0.1:8080")},
      {"admin", admin()},
      {"tls",
       section(
           "for https://; read again at SIGHUP",
           {{"certificate", of_text("a PEM file: the certificate, then those that signed it")},
            {"key", of_text("a PEM file that nobody else can read")}},
           {"certificate", "key"})},
      {"cors",
       section(
           "other sites whose pages may read answers",
           {{"origins", std::move(origins)}},
           {"origins"})},
      {"rate",
       section(
           "what each client may send; more is answered with 429",
           {{"per", {{"description", "each address"}, {"enum", document::array({"client"})}}},
            {"requests", whole("so many requests", gateway_plan::requests_range)},
            {"within", duration("within this time", gateway_plan::within_range)},
            {"burst",
             whole("so many at once; as many as `requests`", gateway_plan::requests_range)}},
           {"requests", "within"})},
      {"proxies",
       list_of(
           "IP addresses of proxies in front, whose X-Forwarded-For says who the client is, "
           "and X-Forwarded-Proto how it came",
           of_text("an IP address", "^[0-9a-fA-F.:]+$"),
           64)},
      {"hosts",
       list_of(
           "the names by which requests may ask for it (Host), without port; any other is answered "
           "with 421",
           of_text(
               "a name in lower case, or an address; one of IPv6 in brackets",
               "^([a-z0-9._-]+|\\[[0-9a-fA-F.:]+\\])$"),
           64)},
      {"store", std::move(store)},
      {"ui",
       {{"description",
         "who sees the page of the system at /ui: anybody on this machine, or anybody with a "
         "service token that has the right to `troupe.broker.status`; without it there is none"},
        {"enum", document::array({"loopback", "operators"})}}},
      {"routes",
       map_of(
           "METHOD PATH, such as `GET /api/users/{user_id}`",
           "^(GET|POST|PUT|PATCH|DELETE) /",
           route())},
      {"otherwise",
       of_text(
           "the feature whose legacy system gets the requests that no route takes", name_pattern)}};
  document made = section("a gateway", std::move(keys), {"listen"});
  made["anyOf"] = document::array(
      {{{"properties", {{"routes", true}}}, {"required", document::array({"routes"})}},
       {{"properties", {{"otherwise", true}}}, {"required", document::array({"otherwise"})}}});
  return map_of("processes that serve HTTP", name_pattern, std::move(made));
}

document strangler_schema() {
  using compare = strangler::compare_options;
  using legacy = strangler::legacy_options;
  document keys = {
      {"legacy",
       address("where the legacy system answers", "^https?://.+$", "http://127.0.0.1:3002")},
      {"percent",
       fraction(
           "the share of users whom the capability answers, until `troupe flag set` says otherwise",
           {0, 100},
           0)},
      {"by",
       address(
           "the part of a request that names the user; a user stays on one side",
           "^\\{(header|cookie|query|path)\\..+\\}$",
           "{cookie.session}")},
      {"override",
       of_text("a field's name in lower case; its value, `legacy` or `modern`, decides for its "
               "request")},
      {"deadline",
       duration("until the legacy system has answered", legacy::deadline_range, legacy{}.deadline)},
      {"connections",
       whole(
           "requests at the legacy system at once",
           legacy::connections_range,
           legacy{}.connections)},
      {"queue", whole("requests that wait for it", legacy::waiting_range, legacy{}.waiting)},
      {"answer",
       size(
           "the largest body of its answers",
           legacy::answer_bytes_range,
           legacy{}.answer_bytes_max)},
      {"compare",
       section(
           "GET and HEAD requests that the legacy answers and the capability gets as well",
           {{"sample", fraction("the fraction of those", compare::sample_range, compare{}.sample)},
            {"in_flight",
             whole(
                 "of those at once; beyond it none is sent",
                 compare::in_flight_range,
                 compare{}.in_flight)},
            {"ignore", any_texts("JSON pointers of what is not compared, `*` for any key")},
            {"fields", any_texts("fields that are compared besides status and body")}})}};
  return map_of(
      "features that move from a legacy system to capabilities",
      name_pattern,
      section("a feature", std::move(keys), {"legacy", "by"}));
}

} // namespace troupe

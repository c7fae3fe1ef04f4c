#include "nodes/commands/documents/topology_schema.hpp"

#include "nodes/actor_types.hpp"
#include "nodes/commands/documents/gateway_schema.hpp"
#include "nodes/commands/documents/schema_parts.hpp"
#include "nodes/commands/output.hpp"
#include "topology/plan.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

using topology::policies;

template <class Options>
document backoff(std::string_view what) {
  return {
      {"description",
       fmt::format(
           "{}; doubles from the first to the second: {} to {}",
           what,
           duration_text(Options::backoff_range.least),
           duration_text(Options::backoff_range.most))},
      {"type", "string"},
      {"pattern", "^[0-9]+(ms|s|m|h|d)\\.\\.[0-9]+(ms|s|m|h|d)$"},
      {"default",
       fmt::format(
           "{}..{}", duration_text(Options{}.backoff_min), duration_text(Options{}.backoff_max))}};
}

document supervision_keys() {
  using options = supervision::options;
  return {
      {"strategy",
       {{"description",
         "which replicas on the node are restarted when one fails: it alone, all, or it and those "
         "started after it"},
        {"enum", {"one_for_one", "one_for_all", "rest_for_one"}},
        {"default", "one_for_one"}}},
      {"max_restarts",
       whole(
           "with more restarts within the window the group is down on that node",
           options::max_restarts_range,
           options{}.max_restarts)},
      {"within", duration("the window", options::within_range, options{}.within)},
      {"backoff", backoff<options>("wait before the first restart")},
      {"shutdown",
       duration(
           "how long a replica may take to stop before the group goes on without it",
           options::shutdown_range,
           options{}.shutdown)},
      {"cool_down",
       duration(
           "how long a group that is down stays down",
           options::cool_down_range,
           options{}.cool_down)}};
}

document window_keys() {
  using window = supervision::breaker_window;
  return {
      {"span", duration("rates decide, over this time", window::span_range, window{}.span)},
      {"minimum_calls",
       whole(
           "with fewer calls in the window nothing opens it",
           window::minimum_calls_range,
           window{}.minimum_calls)},
      {"failure_rate",
       fraction("fraction of failures that opens it", window::rate_range, window{}.failure_rate)},
      {"slow_call",
       duration("a call that takes longer is slow", window::slow_call_range, window{}.slow_call)},
      {"slow_rate",
       fraction("fraction of slow calls that opens it", window::rate_range, window{}.slow_rate)}};
}

document breaker() {
  using options = supervision::breaker_options;
  document made = section(
      "the circuit breaker: calls are refused at once while too many fail",
      {{"threshold",
        whole(
            "failures in a row that open it; not beside `window`",
            options::threshold_range,
            options{}.threshold)},
       {"timeout",
        duration(
            "how long it stays open before it probes", options::timeout_range, options{}.timeout)},
       {"probes",
        whole("calls let through while half open", options::probes_range, options{}.probes)},
       {"probe_deadline",
        duration(
            "a probe without an answer by then has failed",
            options::probe_deadline_range,
            options{}.probe_deadline)},
       {"window", section("rates open it; not beside `threshold`", window_keys())}});
  made["dependentSchemas"]["threshold"]["properties"]["window"] = false;
  return made;
}

document bulkhead_keys() {
  using options = supervision::bulkhead_options;
  return {
      {"in_flight",
       whole("calls one node holds at once", options::in_flight_range, options{}.in_flight)},
      {"queue",
       whole(
           "calls that wait at the broker; the next is `overloaded`",
           options::queue_range,
           options{}.queue)},
      {"events", whole("events one node holds at once", options::events_range, options{}.events)}};
}

document effects_keys() {
  using options = topology::effect_options;
  return {
      {"threads",
       whole("effects run at once on one node", options::threads_range, options{}.threads)},
      {"queue",
       whole("effects committed and not yet finished", options::queue_range, options{}.queue)},
      {"limit",
       duration(
           "an attempt of an effect that takes longer counts as failed for the breaker, but "
           "continues",
           options::limit_range,
           options{}.limit)}};
}

/// The sections common to `defaults` and capabilities, each defined once.
document policy_definitions() {
  using retry = supervision::retry_options;
  return {
      {"supervision", section("how failed replicas are restarted", supervision_keys())},
      {"breaker", breaker()},
      {"bulkhead", section("how much work is taken at once", bulkhead_keys())},
      {"retry",
       section(
           "how often an event is handled",
           {{"attempts",
             whole(
                 "how often an event is handled, the first time included, before it is a dead "
                 "letter",
                 retry::attempts_range,
                 retry{}.attempts)},
            {"backoff", backoff<retry>("wait before the second attempt")}})},
      {"effects", section("work outside the system", effects_keys())},
      {"turn_limit",
       duration(
           "a turn that takes longer ends its process",
           policies::turn_limit_range,
           policies{}.turn_limit)},
      {"inbox_kept",
       duration(
           "how long answers to calls are remembered; whole hours",
           policies::inbox_kept_range,
           policies{}.inbox_kept)},
      {"sagas_kept",
       duration(
           "how long sagas that are over are kept, and the answers to commands of sagas; whole "
           "hours",
           policies::sagas_kept_range,
           policies{}.sagas_kept)}};
}

void refer_to(const document& definitions, document& from) {
  for (const auto& [key, unused] : definitions.items()) {
    from[key] = {{"$ref", "#/$defs/" + key}};
  }
}

document brokers() {
  document each = section(
      "a broker",
      {{"listen",
        address(
            "where it listens; loopback, unless there is `security`",
            "^tcp://.+:[0-9]+$",
            "tcp://127.0.0.1:5550")},
       {"open",
        address(
            "where clients without keys connect, with `clients: open`; loopback",
            "^tcp://.+:[0-9]+$",
            "tcp://127.0.0.1:5560")},
       {"host", host()},
       {"admin", admin()}},
      {"listen"});
  return map_of("1 to 16 brokers", name_pattern, std::move(each));
}

document nodes() {
  return map_of(
      "1 to 256 nodes: worker processes",
      name_pattern,
      section("a node", {{"host", host()}, {"admin", admin()}}));
}

document kept(std::string_view whose) {
  const topology::retention_rule rule;
  return {
      {"keep",
       duration(
           fmt::format("how long the events of {} are kept", whose), rule.keep_range, rule.keep)},
      {"size",
       size(
           "bytes of bodies kept of each topic; age or size ends it, whichever comes first",
           rule.bytes_range,
           rule.bytes_max)}};
}

document events() {
  document rule = kept("these topics");
  rule["keep"].erase("default"); // The defaults are those of `events`.
  rule["size"].erase("default");
  rule["drop_unread"] = {
      {"description",
       "whether the limits also drop events that a subscribed capability still needs"},
      {"enum", {true, false, "true", "false"}},
      {"default", false}};
  document keys = {
      {"broker",
       of_text(
           "who keeps the journal of events; the first broker. None where they share it",
           name_pattern)},
      {"journal",
       of_text("its database; one on a server is shared by all brokers", journal_pattern)}};
  keys["journal"]["default"] = "sqlite:data/journal.db";
  keys.update(kept("a topic"));
  keys["topics"] = {
      {"description",
       "the same for some topics; the first pattern, in the order of the file, that matches a "
       "topic holds"},
      {"type", {"object", "null"}},
      {"maxProperties", 1'024},
      {"propertyNames", {{"pattern", topics_pattern}}},
      {"additionalProperties", section("the limits of these topics", std::move(rule))}};
  return section("the journal of events", std::move(keys));
}

document of_actor(const std::vector<topology::actor_type>& types) {
  document made = {
      {"description", "the actor type that runs it; the capability's name"}, {"type", "string"}};
  for (const topology::actor_type& each : types) {
    made["enum"].push_back(each.name);
  }
  return made;
}

document capability(const std::vector<topology::actor_type>& types, const document& policies) {
  document from = of_text(
      "where it begins when the journal does not know it yet (`new`, `oldest` or a UTC time); "
      "ignored afterwards",
      "^(new|oldest|[0-9]{4}-.+)$");
  from["default"] = "new";
  document keys = {
      {"actor", of_actor(types)},
      {"nodes", list_of("the nodes it runs on; all", of_text("a node", name_pattern), 256)},
      {"replicas",
       whole("over all its nodes; one per node", topology::capability_plan::replicas_range)},
      {"store", of_text("its own database, or `none`", capability_store_pattern)},
      {"subscribes",
       list_of(
           "the events it gets: each goes to one of its replicas",
           of_text("a topic, all below one (`order.*`) or all (`*`)", topics_pattern),
           256)},
      {"subscribe_from", std::move(from)},
      {"config", {{"description", "checked by, and handed to, the actor"}}}};
  refer_to(policies, keys);
  document made = section("a business capability", std::move(keys));
  made["dependentRequired"] = {{"subscribe_from", {"subscribes"}}};
  return made;
}

/// A rule of `allow`.
document access_rule() {
  const auto rights = [](const char* what, const char* each, const char* pattern) {
    return list_of(what, of_text(each, pattern), topology::access_rule::rights_max);
  };
  const char* const topic = "a topic, all below one (`order.*`) or all (`*`)";
  return section(
      "what a capability, a gateway or the owner of a key may do; all else is forbidden",
      {{"call",
        rights(
            "operations; troupe.* makes an operator",
            "an operation, all of a capability (`users.*`) or all (`*`)",
            "^.+$")},
       {"publish", rights("topics of events that it may publish", topic, topics_pattern)},
       {"subscribe", rights("topics that a capability may hear of", topic, topics_pattern)},
       {"read", rights("topics that it may read from the journal", topic, topics_pattern)}});
}

document tokens() {
  const topology::token_options usual;
  document made = section(
      "service tokens: who makes them, for whom and for how long",
      {{"issuer", of_text("who makes tokens (`iss`)", "^[!-~]{1,256}$")},
       {"audience", of_text("whom they are for (`aud`)", "^[!-~]{1,256}$")},
       {"lifetime",
        duration(
            "how long a token is valid", topology::token_options::lifetime_range, usual.lifetime)},
       {"leeway",
        duration(
            "by how much clocks may differ", topology::token_options::leeway_range, usual.leeway)},
       {"login",
        {{"description", "brokers require a token at every login with a key"},
         {"enum", document::array({"required"})}}}});
  made["required"] = {"issuer", "audience"};
  return made;
}

document security_section() {
  document keys = of_text("the folder of the keys", "^.+$");
  keys["default"] = "keys";
  document clients =
      of_text("who may connect without a key: nobody, or clients on loopback", "^(keys|open)$");
  clients["default"] = "keys";
  document allow{
      {"type", {"object", "null"}},
      {"description", "who may do what; without it nobody may do anything"},
      {"additionalProperties", access_rule()}};
  return section(
      "keys of links, and who may do what; brokers may listen beyond loopback then",
      {{"keys", std::move(keys)},
       {"clients", std::move(clients)},
       {"tokens", tokens()},
       {"allow", std::move(allow)}});
}

document heartbeat() {
  const topology::plan plan;
  return section(
      "how a link notices that its peer is gone",
      {{"interval",
        duration("between two heartbeats", plan.heartbeat_interval_range, plan.heartbeat.interval)},
       {"timeout",
        duration(
            "silence after which a peer is lost; three intervals at least",
            plan.heartbeat_timeout_range,
            plan.heartbeat.timeout)}});
}

document limits() {
  const topology::plan plan;
  return section(
      "how much is held",
      {{"body", size("largest body of a message", plan.body_bytes_range, plan.body_bytes_max)},
       {"memory",
        size(
            "bytes that full queues may need at the broker", plan.memory_range, plan.memory_max)}});
}

document traces() {
  document sample = {
      {"description", "the share of the traces that begin here whose spans are recorded"},
      {"type", "number"},
      {"minimum", 0},
      {"maximum", 1},
      {"default", 0}};
  return section(
      "which traces are recorded, and who gets them",
      {{"otlp", of_text("the OpenTelemetry collector, over HTTP", "^https?://[^/: ][!-~]*$")},
       {"sample", std::move(sample)},
       {"always",
        {{"description", "the capabilities whose messages are all recorded"},
         {"type", "array"},
         {"items", {{"type", "string"}}}}}});
}

int print_schema() {
  fmt::print("{}", topology_schema(actor_types()));
  return exit_code::ok;
}

} // namespace

std::string topology_schema(const std::vector<topology::actor_type>& types) {
  const document policies = policy_definitions();
  document defaults = document::object();
  refer_to(policies, defaults);
  document store = of_text("the database of each capability, or `none`", capability_store_pattern);
  store["default"] = "sqlite:data/{capability}.db";
  document capabilities =
      map_of("1 to 4,096 business capabilities", name_pattern, capability(types, policies));
  capabilities["propertyNames"]["not"] = {{"const", "troupe"}};
  const document made = {
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"title", "A Troupe topology"},
      {"type", "object"},
      {"required", {"troupe", "name", "brokers", "nodes", "capabilities"}},
      {"properties",
       {{"troupe", {{"description", "version of this format"}, {"enum", {1, "1"}}}},
        {"name", of_text("the name of the system", name_pattern)},
        {"brokers", brokers()},
        {"nodes", nodes()},
        {"store", std::move(store)},
        {"heartbeat", heartbeat()},
        {"limits", limits()},
        {"traces", traces()},
        {"events", events()},
        {"security", security_section()},
        {"defaults",
         section(
             "apply to each capability that does not set them itself, key by key",
             std::move(defaults))},
        {"gateways", gateway_schema()},
        {"strangler", strangler_schema()},
        {"capabilities", std::move(capabilities)}}},
      {"additionalProperties", false},
      {"$defs", policies}};
  return made.dump(2) + "\n";
}

void add_schema(command_line& line) {
  line.add("schema", "Prints JSON Schema of topology files, for editors")
      .footer(with_exit_codes(
          "With `# yaml-language-server: $schema=FILE` as its first line, a topology is completed "
          "and checked where it is written."))
      .runs(print_schema);
}

} // namespace troupe

#include "nodes/commands/documents/openapi.hpp"

#include "nodes/actor_types.hpp"
#include "nodes/commands/documents/json_schema.hpp"
#include "nodes/commands/documents/openapi_parts.hpp"
#include "nodes/commands/plan_file.hpp"
#include "runtime/config.hpp"
#include "runtime/http/problem.hpp"
#include "runtime/wire/error_map.hpp"
#include "runtime/wire/events.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <variant>

namespace troupe {

namespace {

using topology::call_route_plan;
using topology::events_route_plan;
using wire::operation_kind;

bool has_body(http::method method) {
  return method != http::method::get && method != http::method::erase;
}

/// "get" for GET: the key in a path item.
std::string key_of(http::method method) {
  std::string name{http::name_of(method)};
  std::ranges::transform(name, name.begin(), [](char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return name;
}

/// A path in OpenAPI's form: each variable is `{NAME}`, including one that takes the rest of the
/// path.
struct path_template {
  std::string text;
  std::vector<std::string> names;
};

/// "/old/{path*}" to "/old/{path}", "/old/*" to "/old/{rest}".
path_template template_of(const std::string& path) {
  path_template made;
  for (std::string_view rest = path; !rest.empty();) {
    const std::size_t end = rest.find('/', 1);
    std::string_view segment = rest.substr(1, end == std::string_view::npos ? end : end - 1);
    made.text += '/';
    if (segment == "*") {
      segment = "{rest*}";
    }
    if (segment.starts_with('{')) {
      segment = segment.substr(1, segment.find_first_of("*}") - 1);
      made.names.emplace_back(segment);
      made.text += fmt::format("{{{}}}", segment);
    } else {
      made.text += segment;
    }
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end);
  }
  return made;
}

std::string without_names(const path_template& path) {
  std::string text;
  bool is_name = false;
  for (const char c : path.text) {
    is_name = c == '{' || (is_name && c != '}');
    if (!is_name || c == '{') {
      text += c;
    }
  }
  return text;
}

/// A document under construction.
class routes_document {
public:
  routes_document(
      const topology::plan& plan,
      const topology::gateway_plan& gateway,
      const std::vector<topology::actor_type>& types,
      std::string_view server)
      : plan_{plan}, gateway_{gateway}, types_{types},
        all_{
            {"openapi", "3.1.0"},
            {"info",
             {{"title", fmt::format("{}: {}", plan.name, gateway.name)},
              {"version", fmt::format("{:016x}", plan.digest)},
              {"description",
               "Requests with fields that are not listed are refused; answers may have more. "
               "Integers above 2^53 lose digits in browsers. Every error is a problem (RFC "
               "9457)."}}},
            {"servers", document::array({{{"url", server}}})},
            {"paths", document::object()},
            {"components", shared_components()}} {}

  void add(const topology::route_plan& route) {
    const path_template& path = path_of(route.key.path.text());
    document made;
    if (const auto* call = std::get_if<call_route_plan>(&route.does)) {
      made = of_call(route, *call, path);
    } else {
      made = of_events(std::get<events_route_plan>(route.does));
    }
    if (route.wants_token) {
      all_["components"]["securitySchemes"]["service_token"] = {
          {"type", "apiKey"},
          {"in", "header"},
          {"name", "x-service-token"},
          {"description", "A service token (JWT); its keys are at /.well-known/jwks.json"}};
      made["security"] = document::array({{{"service_token", document::array()}}});
      document& missing = made["responses"]["401"] = problem_response("No service token");
      missing["headers"]["WWW-Authenticate"]["schema"]["type"] = "string";
      made["responses"]["403"] = problem_response("The service token is not accepted");
    }
    if (gateway_.rate) {
      made["responses"]["429"] = busy_response("Too many requests");
    }
    made["responses"]["default"] = reference("responses/problem");
    all_["paths"][path.text][key_of(route.key.method)] = std::move(made);
  }

  /// Adds the paths for polling answers.
  void add_calls() {
    document& made = all_["paths"]["/calls/{id}"]["get"];
    made["operationId"] = name_for("answer");
    made["description"] = "The answer of a request that was answered 202, for ten minutes";
    made["parameters"] = document::array(
        {{{"name", "id"},
          {"in", "path"},
          {"required", true},
          {"schema", {{"type", "string"}, {"format", "uuid"}}}}});
    made["responses"] = {
        {"2XX", {{"description", "As the route answers"}}},
        {"202", reference("responses/accepted")},
        {"404", problem_response("No such call, or not known any more")},
        {"default", reference("responses/problem")}};
  }

  std::string text() const { return all_.dump(2) + "\n"; }

private:
  const path_template& path_of(const std::string& path) {
    path_template made = template_of(path);
    const std::string shape = without_names(made);
    return paths_.try_emplace(shape, std::move(made)).first->second;
  }

  /// A name for an operation, unique in the document.
  std::string name_for(const std::string& wish) {
    std::string name = wish;
    for (int number = 2; !names_.insert(name).second; ++number) {
      name = fmt::format("{}_{}", wish, number);
    }
    return name;
  }

  const wire::actor_description& type_of(const topology::capability_plan& capability) const {
    // A checked plan has only known types.
    return topology::type_named(capability.actor, types_)->described;
  }

  /// Adds a message type, and the types it contains.
  /// @return a reference to it.
  document
  type(const std::string& owner, const wire::actor_description& from, const std::string& name) {
    add_schemas(
        owner, reached_from({name}, from.types), schemas_path, all_["components"]["schemas"]);
    return reference(fmt::format("schemas/{}.{}", owner, name));
  }

  document of_call(
      const topology::route_plan& route, const call_route_plan& call, const path_template& path) {
    const std::string& owner = call.capability.value;
    const wire::actor_description& from = type_of(*plan_.find(call.capability));
    const wire::operation_description& operation = *from.find(call.operation);
    const bool changes = operation.kind != operation_kind::query;
    document made = {
        {"operationId", name_for(fmt::format("{}_{}", owner, call.operation))},
        {"tags", document::array({owner})},
        {"description",
         fmt::format(
             "The {} `{}.{}`, within {}{}",
             wire::word_of(operation.kind),
             owner,
             call.operation,
             duration_text(call.deadline),
             call.feature.empty()
                 ? ""
                 : fmt::format(
                     "; the flag `{}` may have the legacy system answer instead", call.feature))}};
    add_request(route, path, owner, from, *operation.request, made);
    made["parameters"].push_back(
        reference(changes ? "parameters/prefer_async" : "parameters/prefer"));
    if (changes) {
      made["parameters"].push_back(
          reference(call.wants_key ? "parameters/required_key" : "parameters/key"));
    }
    document& responses = made["responses"];
    document& good = responses[std::to_string(call.status)];
    good["description"] = http::phrase_of(call.status);
    if (call.status != 204) {
      good["content"] = json_content(type(owner, from, *operation.reply));
    }
    if (changes && call.status != 202) {
      responses["202"] = reference("responses/accepted");
      // The status has two meanings: the answer of the call, and the address of a pending answer.
    } else if (changes) {
      document& schema = good["content"]["application/json"]["schema"];
      document either = document::array({std::move(schema), reference("schemas/accepted")});
      schema = {{"anyOf", std::move(either)}};
    }
    add_refusals(call, changes, responses);
    return made;
  }

  /// Adds the fields of a request: path variables, then query parameters or the body.
  void add_request(
      const topology::route_plan& route,
      const path_template& path,
      const std::string& owner,
      const wire::actor_description& from,
      const std::string& request,
      document& made) {
    const auto variables = route.key.path.names();
    const std::string prefix = fmt::format("{}{}.", schemas_path, owner);
    document& parameters = made["parameters"] = document::array();
    for (std::size_t i = 0; i < path.names.size(); ++i) {
      parameters.push_back(
          {{"name", path.names[i]},
           {"in", "path"},
           {"required", true},
           {"schema", {{"type", "string"}}}});
    }
    document fields = document::object();
    document required = document::array();
    for (const wire::field_schema& field : wire::find_schema(from.types, request)->fields) {
      const auto variable = std::ranges::find(variables, field.name);
      document schema = schema_of(field.type, prefix);
      if (variable != variables.end()) {
        parameters[static_cast<std::size_t>(variable - variables.begin())]["schema"] =
            std::move(schema);
      } else if (has_body(route.key.method)) {
        fields[field.name] = std::move(schema);
        if (!field.optional) {
          required.push_back(field.name);
        }
        if (field.type.message) {
          (void)type(owner, from, *field.type.message);
        }
      } else if (field.type.within.empty() && !field.type.message) {
        parameters.push_back(
            {{"name", field.name},
             {"in", "query"},
             {"required", !field.optional},
             {"schema", std::move(schema)}});
      }
    }
    if (fields.empty()) {
      return;
    }
    made["requestBody"] = {{"required", !required.empty()}};
    document& body = made["requestBody"]["content"]["application/json"]["schema"];
    body = {{"type", "object"}, {"properties", std::move(fields)}};
    if (!required.empty()) {
      body["required"] = std::move(required);
    }
    body["additionalProperties"] = false;
  }

  static void add_refusals(const call_route_plan& call, bool changes, document& responses) {
    std::map<int, std::string> refused{
        {400, "No such message, or no such key"},
        {422,
         changes ? "Refused by the operation, or the key was used for another request"
                 : "Refused by the operation"}};
    if (changes) {
      refused.emplace(409, "In conflict with something under way");
    }
    std::map<int, std::vector<std::string>> reasons;
    for (const auto& [reason, status] : call.rejected) {
      reasons[status].push_back(reason);
    }
    for (const auto& [status, those] : reasons) {
      std::string& what = refused[status];
      what += fmt::format("{}{}", what.empty() ? "" : "; ", fmt::join(those, ", "));
    }
    for (const auto& [status, what] : refused) {
      responses[std::to_string(status)] = problem_response(what);
    }
    responses["503"] = busy_response("Overloaded, away, or its breaker is open");
    responses["504"] =
        problem_response("No answer within the time; `effect` says whether it may have happened");
  }

  document of_events(const events_route_plan& events) {
    document made = {
        {"operationId", name_for("events")},
        {"description",
         fmt::format(
             "Events of {} as they come, as server-sent events: `id` is the position in the "
             "journal, `event` the topic, `data` the JSON of the event. `troupe.lost` says that "
             "events before its `id` cannot be read any more",
             fmt::join(events.patterns, ", "))},
        {"parameters",
         document::array(
             {{{"name", "Last-Event-ID"},
               {"in", "header"},
               {"description", "the last `id` that was seen: goes on behind it"},
               {"schema", {{"type", "string"}}}}})},
        {"responses",
         {{"200",
           {{"description", "A stream that does not end"},
            {"content", {{"text/event-stream", {{"schema", {{"type", "string"}}}}}}}}}}}};
    document& topics = made["x-events"] = document::object();
    for (const topology::capability_plan& each : plan_.capabilities) {
      const wire::actor_description& from = type_of(each);
      for (const wire::topic_description& topic : from.publishes) {
        const bool is_told = std::ranges::any_of(events.patterns, [&](const std::string& pattern) {
          return pattern == topic.pattern || wire::matches(pattern, topic.pattern)
                 || wire::matches(topic.pattern, pattern);
        });
        if (is_told && topic.event) {
          topics[topic.pattern] = type(each.name.value, from, *topic.event);
        }
      }
    }
    return made;
  }

  const topology::plan& plan_;
  const topology::gateway_plan& gateway_;
  const std::vector<topology::actor_type>& types_;
  document all_;
  /// The paths by their form with empty braces.
  std::map<std::string, path_template> paths_;
  std::set<std::string> names_;
};

struct openapi_arguments {
  std::string file;
  std::string gateway;
};

int run(const openapi_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, false));
  std::vector<std::string> names;
  for (const topology::gateway_plan& each : plan.gateways) {
    names.push_back(each.name);
  }
  const auto* const gateway = given.gateway.empty() && names.size() == 1
                                  ? &plan.gateways.front()
                                  : plan.find_gateway(given.gateway);
  if (gateway == nullptr) {
    return print_error(
        invalid(
            names.empty() ? fmt::format("{} has no gateway", plan.file)
                          : fmt::format("name one of {}", fmt::join(names, ", "))),
        false);
  }
  fmt::print("{}", openapi_document(plan, *gateway, actor_types(), gateway->listen));
  return exit_code::ok;
}

} // namespace

std::string openapi_document(
    const topology::plan& plan,
    const topology::gateway_plan& gateway,
    const std::vector<topology::actor_type>& types,
    std::string_view server) {
  routes_document made{plan, gateway, types, server};
  for (const topology::route_plan& each : gateway.routes) {
    made.add(each);
  }
  made.add_calls();
  return made.text();
}

void add_openapi(command_line& line) {
  const auto given = std::make_shared<openapi_arguments>();
  line.add("openapi", "Prints the routes of a gateway as OpenAPI 3.1")
      .word("FILE", given->file, "the topology")
      .optional_word("GATEWAY", given->gateway, "one of its gateways, if it has several")
      .footer(with_exit_codes())
      .runs([given] { return run(*given); });
}

} // namespace troupe

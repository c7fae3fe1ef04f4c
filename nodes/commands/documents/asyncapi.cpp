#include "nodes/commands/documents/asyncapi.hpp"

#include "nodes/actor_types.hpp"
#include "nodes/commands/documents/json_schema.hpp"
#include "nodes/commands/plan_file.hpp"
#include "runtime/wire/events.hpp"

#include <fmt/format.h>
#include <memory>
#include <utility>

namespace troupe {

namespace {

constexpr const char* schemas_path = "#/components/schemas/";

/// The names of topics in a document. No topic has capital letters, so `ANY` stands for the star.
struct channel_name {
  std::string id;
  /// "order.{rest}" for "order.*".
  std::string address;
};

channel_name channel_of(const std::string& pattern) {
  if (!pattern.ends_with('*')) {
    return {pattern, pattern};
  }
  const std::string prefix = pattern.substr(0, pattern.size() - 1);
  return {prefix + "ANY", prefix + "{rest}"};
}

/// A document under construction.
class events_document {
public:
  explicit events_document(const topology::plan& plan)
      : all_{
          {"asyncapi", "3.0.0"},
          {"info",
           {{"title", plan.name},
            {"version", fmt::format("{:016x}", plan.digest)},
            {"description",
             "Events of the topology. Bodies travel as MessagePack maps; the schemas show their "
             "JSON form, in which ids and bytes are text."}}},
          {"defaultContentType", "application/msgpack"},
          {"servers", document::object()},
          {"channels", document::object()},
          {"operations", document::object()},
          {"components", {{"messages", document::object()}, {"schemas", document::object()}}}} {
    for (const topology::broker_plan& each : plan.brokers) {
      all_["servers"][each.name] = {
          {"host", each.listen.substr(each.listen.find("//") + 2)}, {"protocol", "zmq"}};
    }
  }

  /// @param action "send" or "receive", of the capability.
  void
  add(const std::string& capability,
      std::string_view action,
      const std::string& pattern,
      const std::optional<std::string>& event) {
    const channel_name name = channel_of(pattern);
    document& channel = all_["channels"][name.id];
    channel["address"] = name.address;
    if (pattern.ends_with('*')) {
      channel["parameters"]["rest"] = {{"description", "the rest of the topic, dots included"}};
    }
    const std::string at = "#/channels/" + name.id;
    document operation = {{"action", action}, {"channel", {{"$ref", at}}}};
    if (event) {
      const std::string message = capability + "." + *event;
      all_["components"]["messages"][message] = {
          {"name", *event}, {"payload", {{"$ref", schemas_path + message}}}};
      channel["messages"][message] = {{"$ref", "#/components/messages/" + message}};
      operation["messages"] = {{{"$ref", at + "/messages/" + message}}};
    }
    all_["operations"][fmt::format("{}.{}.{}", capability, action, name.id)] = std::move(operation);
  }

  void add_types(const std::string& capability, const std::vector<wire::message_schema>& types) {
    add_schemas(capability, types, schemas_path, all_["components"]["schemas"]);
  }

  std::string text() const { return all_.dump(2) + "\n"; }

private:
  document all_;
};

bool covers(const std::string& outer, const std::string& inner) {
  return outer == inner || wire::matches(outer, inner);
}

void add_subscriptions(
    const topology::capability_plan& capability,
    const wire::actor_description& type,
    events_document& to) {
  for (const std::string& pattern : capability.subscribes) {
    for (const wire::topic_description& handled : type.handles) {
      if (covers(handled.pattern, pattern)) {
        to.add(capability.name.value, "receive", pattern, handled.event);
        break; // The handler that is declared first handles them.
      }
      if (covers(pattern, handled.pattern)) {
        to.add(capability.name.value, "receive", handled.pattern, handled.event);
      }
    }
  }
}

struct asyncapi_arguments {
  std::string file;
};

int run(const asyncapi_arguments& given) {
  const auto plan = load_plan(given.file, false);
  if (!plan) {
    return plan.error();
  }
  fmt::print("{}", asyncapi_document(*plan, actor_types()));
  return exit_code::ok;
}

} // namespace

std::string
asyncapi_document(const topology::plan& plan, const std::vector<topology::actor_type>& types) {
  events_document made{plan};
  for (const topology::capability_plan& each : plan.capabilities) {
    const auto* const type = topology::type_named(each.actor, types);
    if (type == nullptr) {
      continue; // No plan has such a capability.
    }
    for (const wire::topic_description& topic : type->described.publishes) {
      made.add(each.name.value, "send", topic.pattern, topic.event);
    }
    add_subscriptions(each, type->described, made);
    made.add_types(each.name.value, type->described.types);
  }
  return made.text();
}

void add_asyncapi(command_line& line) {
  const auto given = std::make_shared<asyncapi_arguments>();
  line.add("asyncapi", "Prints the events of a topology as AsyncAPI 3.0")
      .word("FILE", given->file, "the topology")
      .footer(with_exit_codes())
      .runs([given] { return run(*given); });
}

} // namespace troupe

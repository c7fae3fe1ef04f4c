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

/// Id and address of a topic in a document. `ANY` stands for the star, since topics contain no
/// capital letters.
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
  /// @param content the type of the bodies: "application/json".
  events_document(const topology::plan& plan, std::string_view what, std::string_view content)
      : all_{
          {"asyncapi", "3.0.0"},
          {"info",
           {{"title", plan.name},
            {"version", fmt::format("{:016x}", plan.digest)},
            {"description", what}}},
          {"defaultContentType", content},
          {"channels", document::object()},
          {"operations", document::object()},
          {"components", {{"messages", document::object()}, {"schemas", document::object()}}}} {}

  void add_server(const topology::broker_plan& each) {
    all_["servers"][each.name] = {
        {"host", each.listen.substr(each.listen.find("//") + 2)}, {"protocol", "zmq"}};
  }

  /// @param action "send" or "receive", seen from the capability.
  /// @param types the message types of the capability.
  void
  add(const std::string& capability,
      std::string_view action,
      const std::string& pattern,
      const std::optional<std::string>& event,
      const std::vector<wire::message_schema>& types) {
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
      add_schemas(
          capability, reached_from({*event}, types), schemas_path, all_["components"]["schemas"]);
    }
    all_["operations"][fmt::format("{}.{}.{}", capability, action, name.id)] = std::move(operation);
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
        to.add(capability.name.value, "receive", pattern, handled.event, type.types);
        break; // The handler declared first gets the events.
      }
      if (covers(pattern, handled.pattern)) {
        to.add(capability.name.value, "receive", handled.pattern, handled.event, type.types);
      }
    }
  }
}

const wire::actor_description& described_as(
    const topology::capability_plan& capability, const std::vector<topology::actor_type>& types) {
  // A checked plan has only known types.
  return topology::type_named(capability.actor, types)->described;
}

struct asyncapi_arguments {
  std::string file;
};

int run(const asyncapi_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, false));
  fmt::print("{}", asyncapi_document(plan, actor_types()));
  return exit_code::ok;
}

} // namespace

std::string
asyncapi_document(const topology::plan& plan, const std::vector<topology::actor_type>& types) {
  events_document made{
      plan,
      "Events of the topology. Bodies travel as MessagePack maps; the schemas show their JSON "
      "form, "
      "in which ids and bytes are text.",
      "application/msgpack"};
  for (const topology::broker_plan& each : plan.brokers) {
    made.add_server(each);
  }
  for (const topology::capability_plan& each : plan.capabilities) {
    const wire::actor_description& type = described_as(each, types);
    for (const wire::topic_description& topic : type.publishes) {
      made.add(each.name.value, "send", topic.pattern, topic.event, type.types);
    }
    add_subscriptions(each, type, made);
  }
  return made.text();
}

std::string asyncapi_document(
    const topology::plan& plan,
    const std::vector<std::string>& patterns,
    const std::vector<topology::actor_type>& types) {
  events_document made{plan, "Events that are streamed, as their JSON.", "application/json"};
  for (const topology::capability_plan& each : plan.capabilities) {
    const wire::actor_description& type = described_as(each, types);
    for (const wire::topic_description& topic : type.publishes) {
      for (const std::string& pattern : patterns) {
        if (covers(pattern, topic.pattern)) {
          made.add(each.name.value, "send", topic.pattern, topic.event, type.types);
        } else if (covers(topic.pattern, pattern)) {
          made.add(each.name.value, "send", pattern, topic.event, type.types);
        }
      }
    }
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

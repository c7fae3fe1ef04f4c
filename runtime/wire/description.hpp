#pragma once

#include "runtime/wire/schema.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The description of what a capability answers, handles and publishes: the answer to `describe` of
// `troupe.node.NAME` (FORMAT.md, "Nodes").

namespace troupe::wire {

enum class operation_kind : std::uint8_t { query, command, saga };

TROUPE_WORDS(operation_kind, query, command, saga)

struct operation_description {
  std::string name;
  operation_kind kind = operation_kind::query;
  /// Names among the types of the description. Absent if the program does not know: the body is
  /// made or read by code without a type.
  std::optional<std::string> request{};
  std::optional<std::string> reply{};
};

TROUPE_MESSAGE(operation_description, name, kind, request, reply)

/// A topic, or a pattern of topics, and the type of its events.
struct topic_description {
  std::string pattern;
  std::optional<std::string> event{};
};

TROUPE_MESSAGE(topic_description, pattern, event)

/// An actor type: what its capabilities answer, handle and publish.
struct actor_description {
  std::string actor;
  std::vector<operation_description> operations{};
  /// Events it has handlers for.
  std::vector<topic_description> handles{};
  /// Events it may publish.
  std::vector<topic_description> publishes{};
  std::vector<message_schema> types{};

  /// The operation called `name`, or null.
  const operation_description* find(std::string_view name) const {
    for (const operation_description& each : operations) {
      if (each.name == name) {
        return &each;
      }
    }
    return nullptr;
  }

  std::vector<std::string> operation_names() const {
    std::vector<std::string> names;
    for (const operation_description& each : operations) {
      names.push_back(each.name);
    }
    return names;
  }
};

TROUPE_MESSAGE(actor_description, actor, operations, handles, publishes, types)

/// `describe`: what the capabilities of a node are made of.
struct describe_node {
  /// The one capability that is asked for; all if absent.
  std::optional<std::string> capability{};
  /// The capability after which the answer begins, in the order of names.
  std::optional<std::string> after{};
};

TROUPE_MESSAGE(describe_node, capability, after)

struct capability_description {
  std::string capability;
  /// The topics whose events it gets here, and patterns of them.
  std::vector<std::string> subscribes{};
  actor_description type{};
};

TROUPE_MESSAGE(capability_description, capability, subscribes, type)

struct node_description {
  std::string node;
  std::vector<capability_description> capabilities;
  /// The last capability of this answer, if more follow: ask again with `after`.
  std::optional<std::string> next{};
};

TROUPE_MESSAGE(node_description, node, capabilities, next)

} // namespace troupe::wire

#include "nodes/page/page_order.hpp"

#include "nodes/commands/output.hpp"
#include "nodes/commands/saga_order.hpp"
#include "runtime/contains.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/node_calls.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <span>

namespace troupe {

namespace {

using path_values = gateway::route_path::variables;

constexpr std::array<std::string_view, 2> letter_verbs{"retry", "drop"};
constexpr std::array<std::string_view, 4> breaker_verbs{"open", "closed", "disabled", "auto"};
constexpr std::array<std::string_view, 3> saga_verbs{"resume", "retry", "compensate"};

std::span<const std::string_view> verbs_of(ordered_thing which) {
  switch (which) {
  case ordered_thing::breaker:
    return breaker_verbs;
  case ordered_thing::saga:
    return saga_verbs;
  case ordered_thing::letter:
    break;
  }
  return letter_verbs;
}

std::string value_of(const path_values& of, std::string_view name) {
  const auto found = std::ranges::find_if(of, [&](const auto& each) { return each.first == name; });
  return found == of.end() ? "" : found->second;
}

/// The operator's words with an order: the reason, and the node if only one is meant.
struct order_words {
  std::string why;
  std::string node;
};

outcome<order_words> words_in(const std::string& body) {
  const nlohmann::json said = nlohmann::json::parse(body, nullptr, false);
  if (!said.is_object()) {
    return failure{invalid("send a JSON object: {\"why\": \"the reason\"}")};
  }
  order_words words;
  for (const auto& [name, value] : said.items()) {
    std::string* const to = name == "why" ? &words.why : name == "node" ? &words.node : nullptr;
    if (to == nullptr || !value.is_string()) {
      return failure{invalid("an order has `why`, and of a breaker perhaps `node`, both texts")};
    }
    *to = value.get<std::string>();
  }
  if (words.why.find_first_not_of(" \t\r\n") == std::string::npos
      || words.why.size() > wire::why_bytes_max) {
    return failure{invalid(fmt::format("say why, in 1 to {} bytes of `why`", wire::why_bytes_max))};
  }
  return words;
}

/// The nodes of a capability; only the node `only`, unless that is empty.
outcome<std::vector<std::string>>
nodes_meant(const topology::plan& plan, const std::string& capability, const std::string& only) {
  const auto* const found = plan.find(capability_name{capability});
  if (found == nullptr) {
    return failure{invalid(fmt::format("there is no capability `{}`", capability))};
  }
  std::vector<std::string> nodes;
  for (const auto& each : found->nodes) {
    if (only.empty() || each.value == only) {
      nodes.push_back(each.value);
    }
  }
  if (nodes.empty()) {
    return failure{invalid(fmt::format("`{}` does not run on `{}`", capability, only))};
  }
  return nodes;
}

outcome<void> add_breaker_questions(
    page_order& to,
    const topology::plan& plan,
    const std::string& capability,
    const std::string& node,
    const wire::force_breaker& order) {
  return nodes_meant(plan, capability, node).map([&](const auto& nodes) {
    to.about = fmt::format("breaker of {}{}", capability, node.empty() ? "" : " on " + node);
    for (const std::string& each : nodes) {
      to.questions.push_back({"troupe.node." + each, "force_breaker", wire::encoded(order)});
    }
  });
}

outcome<void>
add_saga_questions(page_order& to, const topology::plan& plan, const wire::order_saga& order) {
  return nodes_meant(plan, order.capability, "").map([&](const auto& nodes) {
    to.about = fmt::format("saga {} of {}", to_string(order.id), order.capability);
    for (const std::string& each : nodes) {
      to.questions.push_back({"troupe.node." + each, "order_saga", wire::encoded(order)});
    }
  });
}

void add_letter_question(page_order& to, const uuid& id) {
  to.about = fmt::format("dead letter {}", to_string(id));
  if (to.verb == "retry") {
    wire::retry_dead_letter order;
    order.id = id;
    to.questions.push_back({"troupe.events", "retry_dead_letter", wire::encoded(order)});
  } else {
    to.questions.push_back(
        {"troupe.events", "drop_dead_letter", wire::encoded(wire::drop_dead_letter{id})});
  }
}

outcome<std::string>
order_to_journal(const page_order& order, system_links& links, milliseconds patience) {
  const error gone = rejected(
      "no_dead_letter", "it is no dead letter any more: somebody delivered it again or dropped it");
  const auto said = links.ask_journal(order.questions, patience);
  if (!said.front()) {
    return failure{said.front().error()};
  }
  if (order.verb == "retry") {
    return wire::checked_decode<wire::letters_retried>(*said.front())
        .and_then([&](const auto& answer) -> outcome<std::string> {
          if (answer.retried == 0) {
            return failure{gone};
          }
          return std::string{"it is delivered again"};
        });
  }
  return wire::checked_decode<wire::letter_dropped>(*said.front())
      .and_then([&](const auto& answer) -> outcome<std::string> {
        if (!answer.dropped) {
          return failure{gone};
        }
        return std::string{"it is forgotten"};
      });
}

/// The answers of the nodes. An error only if no node obeyed.
outcome<std::string>
order_to_breakers(const page_order& order, system_links& links, milliseconds patience) {
  const auto said = links.ask_any(order.questions, patience);
  std::vector<std::string> words;
  std::size_t obeyed = 0;
  for (std::size_t i = 0; i < said.size(); ++i) {
    const std::string node = order.questions[i].capability.substr(sizeof "troupe.node." - 1);
    const auto report = said[i].and_then(wire::checked_decode<wire::breaker_report>);
    if (report) {
      ++obeyed;
      std::string state = report->state;
      std::ranges::replace(state, '_', ' ');
      words.push_back(fmt::format("{}: {}", node, state));
    } else {
      words.push_back(fmt::format("{}: no answer ({})", node, message_of(report.error())));
    }
  }
  if (obeyed == 0) {
    return failure{said.front().error()};
  }
  return fmt::to_string(fmt::join(words, "; "));
}

outcome<std::string>
order_to_saga(const page_order& order, system_links& links, milliseconds patience) {
  const auto wanted = wire::checked_decode<wire::order_saga>(order.questions.front().body);
  std::vector<order_target> one{{order.id, {}, wanted && wanted->vouched}};
  for (const question& each : order.questions) {
    one[0].nodes.push_back(each.capability.substr(sizeof "troupe.node." - 1));
  }
  give_order(
      one,
      "order_saga",
      [&order](const uuid&) { return order.questions.front().body; },
      [&](const std::vector<question>& questions) { return links.ask_any(questions, patience); });
  if (!one[0].obeyed) {
    return failure{*one[0].refused};
  }
  return fmt::format("{} at {}", state_text(*one[0].obeyed), one[0].obeyed->node);
}

} // namespace

std::string_view name_of(ordered_thing which) {
  constexpr std::array<std::string_view, 3> names{"letters", "breakers", "sagas"};
  return names[static_cast<std::size_t>(which)];
}

outcome<page_order> order_of(
    ordered_thing which,
    const topology::plan& plan,
    const path_values& variables,
    const std::string& body,
    const std::string& who,
    const uuid& request) {
  TROUPE_TRY(auto words, words_in(body));
  page_order order{
      .of = which,
      .about = {},
      .verb = value_of(variables, "verb"),
      .why = words.why,
      .id = {},
      .questions = {}};
  const auto verbs = verbs_of(which);
  if (!contains(verbs, order.verb)) {
    return failure{invalid(fmt::format(
        "`{}` is no order for {}; these are: {}",
        order.verb,
        name_of(which),
        fmt::join(verbs, ", ")))};
  }
  if (!words.node.empty() && which != ordered_thing::breaker) {
    return failure{invalid("`node` goes with breakers alone")};
  }
  const std::string capability = value_of(variables, "capability");
  const std::string giver = who.substr(0, wire::who_bytes_max);
  if (which == ordered_thing::breaker) {
    const wire::force_breaker forced{
        .capability = capability,
        .mode = order.verb,
        .who = giver,
        .why = order.why,
        .request = request,
        .only_here = !words.node.empty()};
    return add_breaker_questions(order, plan, capability, words.node, forced).map([&] {
      return order;
    });
  }
  const auto id = parse_uuid(value_of(variables, "id"));
  if (!id) {
    return failure{invalid("the id is no UUID")};
  }
  order.id = *id;
  if (which == ordered_thing::letter) {
    add_letter_question(order, *id);
    return order;
  }
  wire::order_saga given;
  given.capability = capability;
  given.id = *id;
  given.verb = order.verb;
  given.who = giver;
  given.why = order.why;
  return add_saga_questions(order, plan, given).map([&] { return order; });
}

std::vector<std::pair<std::string, std::string>>
operations_of(ordered_thing which, const topology::plan& plan) {
  if (which == ordered_thing::letter) {
    return {{"troupe.events", "retry_dead_letter"}, {"troupe.events", "drop_dead_letter"}};
  }
  std::vector<std::pair<std::string, std::string>> needed;
  for (const topology::node_plan& each : plan.nodes) {
    needed.emplace_back(
        "troupe.node." + each.name.value,
        which == ordered_thing::breaker ? "force_breaker" : "order_saga");
  }
  return needed;
}

outcome<std::string>
carry_out(const page_order& order, system_links& links, milliseconds patience) {
  switch (order.of) {
  case ordered_thing::breaker:
    return order_to_breakers(order, links, patience);
  case ordered_thing::saga:
    return order_to_saga(order, links, patience);
  case ordered_thing::letter:
    break;
  }
  return order_to_journal(order, links, patience);
}

} // namespace troupe

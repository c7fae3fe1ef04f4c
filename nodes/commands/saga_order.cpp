#include "nodes/commands/saga_order.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

/// Whether another node may know more: this one is away, does not run the saga, or belongs to a
/// release that does not know the order.
bool may_ask_on(const error& why) {
  const auto reason = why.detail("reason");
  return why.code != errc::rejected || reason == "elsewhere" || reason == "not_waiting";
}

/// How much an error says about the saga; the highest counts.
int weight_of(const error& why) {
  return why.code == errc::conflict ? 3 : why.code == errc::rejected ? 2 : 1;
}

} // namespace

void give_order(
    std::vector<order_target>& to,
    std::string_view operation,
    const std::function<std::string(const uuid&)>& body,
    const ask_at_nodes& ask) {
  for (std::size_t round = 0;; ++round) {
    std::vector<question> questions;
    std::vector<order_target*> asked;
    for (order_target& each : to) {
      const bool asks_on = !each.may_be_obeyed && (!each.refused || may_ask_on(*each.refused));
      if (!each.obeyed && asks_on && round < each.nodes.size()) {
        questions.push_back(
            {"troupe.node." + each.nodes[round], std::string{operation}, body(each.id)});
        asked.push_back(&each);
      }
    }
    if (asked.empty()) {
      return;
    }
    const auto answers = ask(questions);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      auto said = answers[i].and_then(wire::checked_decode<wire::saga_ordered>);
      if (said) {
        asked[i]->obeyed = std::move(*said);
      } else if (asked[i]->is_vouched && said.error().possible == effect::unknown) {
        asked[i]->may_be_obeyed = true;
        asked[i]->refused = std::move(said).error();
      } else if (!asked[i]->refused || weight_of(said.error()) > weight_of(*asked[i]->refused)) {
        asked[i]->refused = std::move(said).error();
      }
    }
  }
}

std::string state_text(const wire::saga_ordered& said) {
  const std::string state = said.state.value_or("");
  return state.empty() ? "goes on" : fmt::format("{} {}", state, said.step.value_or(""));
}

} // namespace troupe

#pragma once

#include "topology/read.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::topology {

/// A small topology without faults, the actor types it uses, and ways to spoil it.
struct topology_fixture {
  static constexpr std::string_view good = R"(troupe: 1
name: shop
brokers:
  b1: {listen: "tcp://127.0.0.1:5550"}
nodes:
  n1: {host: here}
  n2: {host: here}
store: "sqlite:data/{capability}.db"
defaults:
  bulkhead: {in_flight: 64, queue: 100}
capabilities:
  users: {replicas: 2}
  orders: {actor: orders, replicas: 3, nodes: [n1, n2]}
)";

  std::vector<actor_type> types{
      {.name = "users",
       .wants_store = true,
       .check_config = {},
       .calls = {},
       .described = {.actor = "users", .operations = {{"get"}}, .handles = {{"*"}}}},
      {.name = "orders",
       .wants_store = false,
       .check_config = {},
       .calls = {{"users.get"}},
       .described = {.actor = "orders", .operations = {{"place"}}}},
  };

  /// `good` with its one `from` replaced.
  static std::string good_with(std::string_view from, std::string_view to) {
    std::string text{good};
    const std::size_t at = text.find(from);
    BOOST_REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
  }

  /// `good` with more lines at its end: further capabilities, or top-level keys.
  static std::string good_and(std::string_view more) {
    return std::string{good} + std::string{more};
  }

  std::variant<plan, faults> read(std::string_view text) const {
    return topology::read(text, "shops/one/shop.yaml", types);
  }

  plan plan_of(std::string_view text) const {
    auto result = read(text);
    if (const auto* wrong = std::get_if<faults>(&result)) {
      BOOST_FAIL(wrong->to_text());
    }
    return std::get<plan>(std::move(result));
  }

  std::vector<fault> faults_of(std::string_view text) const {
    auto result = read(text);
    BOOST_REQUIRE(std::holds_alternative<faults>(result));
    return std::get<faults>(std::move(result)).all;
  }

  /// Checks that `text` has one fault, at `at`, with `what` and `remedy` in its texts.
  void check_only_fault(
      std::string_view text,
      file_position at,
      std::string_view what,
      std::string_view remedy = "") const {
    const auto result = read(text);
    BOOST_REQUIRE(std::holds_alternative<faults>(result));
    const auto& wrong = std::get<faults>(result);
    BOOST_TEST_CONTEXT(wrong.to_text()) {
      BOOST_REQUIRE(wrong.all.size() == 1U);
      BOOST_TEST(wrong.all[0].at.line == at.line);
      BOOST_TEST(wrong.all[0].at.column == at.column);
      BOOST_TEST(wrong.all[0].what.find(what) != std::string::npos);
      BOOST_TEST(wrong.all[0].remedy.find(remedy) != std::string::npos);
      BOOST_TEST(!wrong.all[0].remedy.empty());
    }
  }
};

} // namespace troupe::topology

#include "tests/topology/topology_fixture.hpp"
#include "topology/explain.hpp"
#include "topology/read.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <utility>

namespace utf = boost::unit_test;

// A file is written by hand, half saved, or not a topology at all: `read` answers with a plan or
// with faults that a person can act on, and never with an exception or a crash.
namespace troupe::topology {

namespace {

constexpr std::uint32_t seed = 20'261'123;

struct robustness_fixture : topology_fixture {
  robustness_fixture() {
    for (const auto* name : {"inventory", "payments", "order_saga", "reconciliation"}) {
      types.push_back({.name = name, .wants_store = true, .check_config = {}, .calls = {}});
    }
    for (const auto& [name, event] :
         {std::pair{"notifications", "order.confirmed"}, std::pair{"notes", "note.*"}}) {
      types.push_back(
          {.name = name,
           .wants_store = true,
           .check_config = {},
           .calls = {},
           .described = {.actor = name, .handles = {{event}}}});
    }
  }

  static std::string shop() {
    std::ifstream file{TROUPE_SHOP_FILE, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  /// `good` with events and a gateway.
  static std::string eventful() {
    return good_with(
               "{replicas: 2}",
               "{subscribes: [a.b, c.*, '*'], subscribe_from: 2026-11-24T08:00:00.5Z, retry: "
               "{attempts: 3, backoff: 1s..2s}}")
           + "events: {broker: b1, keep: 1h, topics: {a.*: {size: 1GiB, drop_unread: true}}}\n"
             "gateways: {g1: {listen: \"http://127.0.0.1:80\", cors: {origins: [http://a]}, "
             "rate: {requests: 1, within: 1s}, routes: {GET /a/*: {events: [a.b]}}}}\n";
  }

  /// Reads `text`; each fault must say something and stand inside the file.
  void read_anyhow(const std::string& text) const {
    const auto result = read(text);
    const auto* wrong = std::get_if<faults>(&result);
    if (wrong == nullptr) {
      const std::string words = explain(std::get<plan>(result), types);
      BOOST_REQUIRE(!words.empty());
      return;
    }
    BOOST_REQUIRE(!wrong->all.empty());
    const auto lines = 1 + std::ranges::count(text, '\n');
    file_position last{};
    for (const fault& each : wrong->all) {
      BOOST_REQUIRE(!each.what.empty());
      BOOST_REQUIRE(!each.remedy.empty());
      BOOST_REQUIRE(each.at.line >= last.line);
      BOOST_REQUIRE(each.at.line <= lines);
      last = each.at;
    }
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    topology_robustness, robustness_fixture, *utf::label("unit") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(the_example_is_a_good_file) {
  // Routes need the types of the shop's operations; the programs' tests have those.
  const std::string whole = shop();
  const auto result = read(whole.substr(0, whole.find("\ngateways:")));

  if (const auto* wrong = std::get_if<faults>(&result)) {
    BOOST_FAIL(wrong->to_text());
  }
  const auto& shop = std::get<plan>(result);
  BOOST_TEST(shop.capabilities.size() == 8U);
  for (const capability_plan& capability : shop.capabilities) {
    BOOST_TEST(capability.nodes.size() == 2U);
    // 256 orders may be under way, and an order needs every capability but these.
    const std::string& name = capability.name.value;
    BOOST_TEST(
        (capability.bulkhead.in_flight >= 256 || name == "notes" || name == "reconciliation"));
  }
}

BOOST_AUTO_TEST_CASE(what_is_spoiled_below_was_good) {
  plan_of(eventful());
}

BOOST_AUTO_TEST_CASE(every_prefix_of_a_good_file_is_answered) {
  const std::string text = shop();
  BOOST_REQUIRE(!text.empty());

  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    BOOST_TEST_CONTEXT("cut at " << cut) {
      read_anyhow(text.substr(0, cut));
    }
  }
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_of_a_good_file_is_answered) {
  const std::string text = eventful();

  for (std::size_t at = 0; at < text.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string flipped = text;
      flipped[at] = static_cast<char>(static_cast<unsigned char>(flipped[at]) ^ (1U << bit));
      BOOST_TEST_CONTEXT("byte " << at << ", bit " << bit) {
        read_anyhow(flipped);
      }
    }
  }
}

// The characters that mean something to YAML, at random places.
BOOST_AUTO_TEST_CASE(files_spoiled_at_random_are_answered) {
  constexpr std::string_view signs = "{}[]:,-?&*!|>'\"%@`#~<.\n\t \\0n1e";
  std::mt19937 random{seed};
  const auto below = [&](std::size_t limit) { return random() % limit; };

  for (int round = 0; round < 3'000; ++round) {
    std::string text = eventful();
    for (std::size_t change = 1 + below(6); change > 0; --change) {
      const std::size_t at = below(text.size());
      switch (below(4)) {
      case 0:
        text[at] = signs[below(signs.size())];
        break;
      case 1:
        text.insert(at, 1 + below(3), signs[below(signs.size())]);
        break;
      case 2:
        text.erase(at, 1 + below(8));
        break;
      default:
        text.insert(at, text.substr(below(text.size()), below(40)));
        break;
      }
    }
    BOOST_TEST_CONTEXT("seed " << seed << ", round " << round << "\n" << text) {
      read_anyhow(text);
    }
  }
}

BOOST_AUTO_TEST_CASE(bytes_that_were_never_a_topology_are_answered) {
  std::mt19937 random{seed};

  for (int round = 0; round < 2'000; ++round) {
    std::string text(random() % 200, '\0');
    for (char& byte : text) {
      byte = static_cast<char>(round % 2 == 0 ? random() % 256 : 32 + random() % 95);
    }
    BOOST_TEST_CONTEXT("seed " << seed << ", round " << round) {
      read_anyhow(text);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology

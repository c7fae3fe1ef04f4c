#include "actors/inventory/messages.hpp"
#include "actors/order_saga/order_saga.hpp"
#include "nodes/actor_types.hpp"
#include "runtime/wire/json.hpp"
#include "tests/actors/actor_fixture.hpp"
#include "topology/read.hpp"

#include <fstream>
#include <iterator>

namespace utf = boost::unit_test;

namespace troupe::shop::test {

namespace {

const std::string folder = TROUPE_SOURCE "/examples/shop/";

std::string text_of(const std::string& name) {
  std::ifstream file{folder + name, std::ios::binary};
  BOOST_REQUIRE(file.good());
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

/// The faults of the shop's topology with `part` in place of `good`.
std::string faults_with(const std::string& part, const std::string& good) {
  std::string text = text_of("shop.yaml");
  const auto at = text.find(good);
  BOOST_REQUIRE(at != std::string::npos);
  text.replace(at, good.size(), part);
  const auto read = topology::read(text, folder + "shop.yaml", actor_types());
  const auto* faults = std::get_if<topology::faults>(&read);
  BOOST_REQUIRE(faults != nullptr);
  return faults->to_text();
}

std::vector<std::string> heard_by(const std::string& type) {
  std::vector<std::string> patterns;
  for (const auto& each : type_named(type).description.handles) {
    patterns.push_back(each.pattern);
  }
  return patterns;
}

/// The topics that actors of `type` publish, each with the type of its events.
std::vector<std::string> told_by(const std::string& type) {
  std::vector<std::string> topics;
  for (const auto& each : type_named(type).description.publishes) {
    topics.push_back(each.pattern + " " + each.event.value_or(""));
  }
  return topics;
}

} // namespace

BOOST_AUTO_TEST_SUITE(actors_shop, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(the_shop_s_topology_is_good) {
  const auto read = topology::read_file(folder + "shop.yaml", actor_types());

  const auto* faults = std::get_if<topology::faults>(&read);
  BOOST_TEST((faults == nullptr), (faults == nullptr ? "" : faults->to_text()));
}

BOOST_AUTO_TEST_CASE(a_misspelt_setting_of_an_actor_is_found) {
  const std::string faults = faults_with("decline_ower: 1", "decline_over: 100000");

  BOOST_TEST(faults.find("did you mean `decline_over`?") != std::string::npos, faults);
}

BOOST_AUTO_TEST_CASE(a_setting_out_of_range_is_found) {
  const std::string faults = faults_with("decline_over: -1", "decline_over: 100000");

  BOOST_TEST(faults.find("give a whole number from 0 to 4294967295") != std::string::npos, faults);
}

BOOST_AUTO_TEST_CASE(a_saga_without_its_participant_is_found) {
  const std::string faults = faults_with("  storehouse: # ", "  inventory:");

  BOOST_TEST(faults.find("there is no capability `inventory`") != std::string::npos, faults);
}

BOOST_AUTO_TEST_CASE(each_registration_says_what_its_actor_answers) {
  const std::vector<std::string> of_orders{
      "history", "at", "rebuild", "create", "confirm", "cancel", "get", "list"};
  const std::vector<std::string> of_notes{"add", "count"};
  const std::vector<std::string> heard_by_notes{"note.*"};
  const std::vector<std::string> heard_by_notifications{"order.confirmed"};

  const std::vector<std::string> told_by_orders{
      "order.created order_created",
      "order.confirmed order_confirmed",
      "order.cancelled order_cancelled"};

  BOOST_TEST(
      type_named("orders").description.operation_names() == of_orders,
      boost::test_tools::per_element());
  BOOST_TEST(
      type_named("notes").description.operation_names() == of_notes,
      boost::test_tools::per_element());
  BOOST_TEST(heard_by("notes") == heard_by_notes, boost::test_tools::per_element());
  BOOST_TEST(heard_by("notifications") == heard_by_notifications, boost::test_tools::per_element());
  BOOST_TEST(told_by("orders") == told_by_orders, boost::test_tools::per_element());
  for (const actor_type& type : registered_types()) {
    BOOST_TEST(!type.description.operations.empty(), type.name);
    for (const auto& operation : type.description.operations) {
      BOOST_TEST(operation.request.has_value(), type.name + "." + operation.name);
      BOOST_TEST(operation.reply.has_value(), type.name + "." + operation.name);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_demo_s_stock_loads) {
  actor_fixture inventory{type_named("inventory")};
  const auto body = wire::from_json(text_of("stock.json"));
  BOOST_REQUIRE(body.has_value());
  const auto stock = wire::checked_decode<inventory::load_stock>(*body);
  BOOST_REQUIRE_MESSAGE(stock, (stock ? "" : stock.error().message));

  const auto loaded = inventory.call<inventory::stock_loaded>("load", *stock);

  BOOST_REQUIRE(loaded.has_value());
  BOOST_TEST(loaded->added == static_cast<std::int64_t>(stock->items.size()));
}

BOOST_AUTO_TEST_CASE(the_demo_s_orders_are_accepted) {
  const saga::definition place = order_saga::place();
  std::ifstream file{folder + "orders.jsonl"};
  std::string line;
  int count = 0;
  while (std::getline(file, line)) {
    const auto body = wire::from_json(line);
    BOOST_REQUIRE(body.has_value());
    const auto accepted = place.accept(*body);
    BOOST_TEST(accepted.has_value(), line);
    ++count;
  }
  BOOST_TEST(count == 1'000);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::shop::test

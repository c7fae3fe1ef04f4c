#include "nodes/commands/backup/manifest.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

backup_manifest sample() {
  backup_manifest manifest;
  manifest.system = "shop";
  manifest.taken_at = 1'764'427'200'123;
  saved_file& orders = manifest.files.emplace_back();
  orders.file = "orders.db";
  orders.owner = "orders";
  orders.bytes = 4'096;
  orders.sha256 = "ab";
  orders.instance = *parse_uuid("01a206c0-b8fa-7000-8001-65c2ec9e316f");
  orders.outbox_newest = 9;
  orders.outbox_confirmed = 7;
  orders.handled = 40;
  orders.epoch = 5;
  orders.sagas = 1;
  orders.effects = 2;
  orders.timers = 3;
  orders.postponed = 4;
  saved_file& journal = manifest.files.emplace_back();
  journal.file = "journal.db";
  journal.owner = backup_manifest::journal_owner;
  journal.last = 41;
  journal.generation = 2;
  manifest.missing = {"payments"};
  manifest.lost = {"payments"};
  return manifest;
}

BOOST_AUTO_TEST_SUITE(nodes_commands_backup_manifest, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  const std::string text = text_of(sample());

  const auto read = manifest_in(text);

  BOOST_REQUIRE(!!read);
  BOOST_TEST(text_of(*read) == text);
  BOOST_TEST(read->taken_at == sample().taken_at);
  BOOST_TEST(read->find("orders")->epoch == 5U);
  BOOST_TEST(read->find("journal")->last == 41U);
  BOOST_TEST(read->lost == sample().lost, boost::test_tools::per_element());
  BOOST_TEST((read->find("users") == nullptr));
}

BOOST_AUTO_TEST_CASE(what_is_no_manifest_is_refused) {
  const std::string whole = text_of(sample());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const std::string& each :
       {std::string{},
        std::string{"{}"},
        std::string{"[1]"},
        whole.substr(0, whole.size() / 2),
        with("\"troupe_backup\": 1", "\"troupe_backup\": 2"),
        with("2025-11-29", "some day"),
        with("\"orders.db\"", "\"../../orders.db\""),
        with("\"owner\": \"journal\"", "\"owner\": \"orders\""),
        text_of({.system = "shop", .taken_at = 1'764'427'200'123, .files = {}, .missing = {}}),
        with("\"bytes\": 4096", "\"bytes\": \"many\"")}) {
    BOOST_TEST(!manifest_in(each), each);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace

} // namespace troupe

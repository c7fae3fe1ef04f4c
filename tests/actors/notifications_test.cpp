#include "actors/notifications/notifications.hpp"

#include "actors/notifications/effects.hpp"
#include "actors/notifications/messages.hpp"
#include "tests/actors/actor_fixture.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

namespace utf = boost::unit_test;

namespace troupe::shop::test {

using notifications::count_mails;
using notifications::get_mail;
using notifications::mail;
using notifications::mail_count;

struct notifications_fixture : actor_fixture {
  notifications_fixture() : actor_fixture{type_named("notifications")} {}

  orders::order_confirmed confirmed(const std::string& customer = "ada") {
    return {order, customer, "EUR", {{"tea", 2}}, 1000, fresh_id()};
  }

  std::string state() {
    const auto found = ask<mail>("get", get_mail{order});
    return found ? found->state : std::string{found.error().detail("reason")};
  }

  /// The names of the files in the spool.
  std::set<std::string> spooled() const {
    std::set<std::string> names;
    const std::filesystem::path spool = std::filesystem::path{folder.path} / "data/mail";
    if (std::filesystem::exists(spool)) {
      for (const auto& each : std::filesystem::directory_iterator{spool}) {
        names.insert(each.path().filename().string());
      }
    }
    return names;
  }

  std::string read_spooled(const std::string& name) const {
    std::ifstream file{folder.path + "/data/mail/" + name, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
  }

  uuid order = fresh_id();
  uuid event = fresh_id();
};

BOOST_AUTO_TEST_SUITE(actors_notifications, *utf::label("unit") * utf::timeout(60))

BOOST_FIXTURE_TEST_CASE(a_confirmed_order_is_confirmed_by_mail, notifications_fixture) {
  BOOST_TEST(state() == "unknown_mail");
  BOOST_REQUIRE(tell(event, "order.confirmed", confirmed()));
  BOOST_TEST(state() == "asked");
  BOOST_REQUIRE(effects().size() == 1U);
  const store::effect_row row = effects().front();

  const auto done = settle<mail>(row, run_effect(row));

  BOOST_REQUIRE(done.has_value());
  BOOST_TEST(state() == "sent");
  BOOST_TEST(done->recipient == "ada@customers.example");
  BOOST_TEST(done->message_id == "<" + to_string(row.key) + "@shop.example>");
  BOOST_TEST(done->attempts == 1);
  const std::set<std::string> wanted{to_string(row.key) + ".eml"};
  BOOST_TEST(spooled() == wanted, boost::test_tools::per_element());
  const std::string text = read_spooled(*wanted.begin());
  BOOST_TEST(text.find("To: <ada@customers.example>\r\n") != std::string::npos);
  BOOST_TEST(text.find("2 x tea") != std::string::npos);
  const auto counted = ask<mail_count>("count", count_mails{});
  BOOST_TEST(counted.value().sent == 1);
  BOOST_TEST(counted.value().asked == 0);
}

BOOST_FIXTURE_TEST_CASE(an_order_gets_one_mail_however_often_it_is_told_of, notifications_fixture) {
  BOOST_REQUIRE(tell(event, "order.confirmed", confirmed()));
  const store::effect_row row = effects().front();
  BOOST_REQUIRE(settle<mail>(row, run_effect(row)));

  BOOST_REQUIRE(tell(event, "order.confirmed", confirmed()));
  BOOST_TEST(effects().empty());
  BOOST_REQUIRE(tell(fresh_id(), "order.confirmed", confirmed()));
  BOOST_TEST(effects().empty());

  BOOST_TEST(number("SELECT COUNT(*) FROM mails") == 1);
  BOOST_TEST(state() == "sent");
}

// The process died after the mail was written and before that was recorded.
BOOST_FIXTURE_TEST_CASE(an_effect_that_is_run_again_leaves_one_mail, notifications_fixture) {
  BOOST_REQUIRE(tell(event, "order.confirmed", confirmed()));
  const store::effect_row row = effects().front();
  BOOST_REQUIRE(run_effect(row));
  const std::string first = read_spooled(to_string(row.key) + ".eml");

  time.advance(std::chrono::hours{1});
  BOOST_REQUIRE(settle<mail>(row, run_effect(row)));

  BOOST_TEST(spooled().size() == 1U);
  BOOST_TEST(read_spooled(to_string(row.key) + ".eml") == first);
  BOOST_TEST(state() == "sent");
}

BOOST_FIXTURE_TEST_CASE(a_half_written_mail_of_a_dead_process_is_no_mail, notifications_fixture) {
  BOOST_REQUIRE(tell(event, "order.confirmed", confirmed()));
  const store::effect_row row = effects().front();
  std::filesystem::create_directories(folder.path + "/data/mail");
  std::ofstream{folder.path + "/data/mail/." + to_string(row.key) + ".1.1"} << "From: <sh";

  BOOST_REQUIRE(run_effect(row));

  BOOST_TEST(read_spooled(to_string(row.key) + ".eml").ends_with("\r\n"));
}

BOOST_FIXTURE_TEST_CASE(a_spool_that_cannot_be_written_is_tried_again, notifications_fixture) {
  BOOST_REQUIRE(tell(event, "order.confirmed", confirmed()));
  const store::effect_row row = effects().front();
  std::ofstream{folder.path + "/data"} << "in the way";

  const auto failed = run_effect(row);
  std::filesystem::remove(folder.path + "/data");

  BOOST_REQUIRE(!failed.has_value());
  BOOST_TEST((failed.error().code == errc::unavailable));
  BOOST_TEST(state() == "asked");
  BOOST_TEST(run_effect(row).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_customer_without_an_address_is_noted, notifications_fixture) {
  BOOST_REQUIRE(tell(event, "order.confirmed", confirmed("Ada\r\nBcc: everybody")));

  BOOST_TEST(effects().empty());
  const auto noted = ask<mail>("get", get_mail{order});
  BOOST_REQUIRE(noted.has_value());
  BOOST_TEST(noted->state == "failed");
  BOOST_TEST(!noted->reason.empty());
}

BOOST_FIXTURE_TEST_CASE(a_mail_that_is_refused_for_good_is_noted, notifications_fixture) {
  BOOST_REQUIRE(tell(event, "order.confirmed", confirmed()));
  const store::effect_row row = effects().front();

  const auto done = settle<mail>(
      row, wire::encoded(notifications::confirmation_sent{false, "<k@s>", 3, "no such user"}));

  BOOST_REQUIRE(done.has_value());
  const auto noted = ask<mail>("get", get_mail{order});
  BOOST_TEST(noted->state == "failed");
  BOOST_TEST(noted->reason == "no such user");
  BOOST_TEST(noted->attempts == 3);
}

BOOST_AUTO_TEST_CASE(settings_that_make_no_sense_are_found) {
  const auto faults_of = [](std::vector<config_tree::entry> entries) {
    std::vector<fault> faults;
    type_named("notifications").check_config(map_of(std::move(entries)), faults);
    std::string text;
    for (const fault& each : faults) {
      text += each.what + "; ";
    }
    return text;
  };
  const auto smtp = [&](const std::string& url) { return map_of({{"url", {}, scalar_of(url)}}); };

  BOOST_TEST(faults_of({}).empty());
  for (const char* timeout : {"0s", "11m"}) {
    const auto such = map_of(
        {{"url", {}, scalar_of("smtp://localhost:25")}, {"timeout", {}, scalar_of(timeout)}});
    BOOST_TEST(faults_of({{"smtp", {}, such}}).find("`smtp.timeout` is ") == 0U, timeout);
  }
  BOOST_TEST(faults_of({{"smtp", {}, smtp("smtp://localhost:25")}}).empty());
  BOOST_TEST(
      faults_of({{"smtp", {}, smtp("http://localhost")}}).find("no mail server")
      != std::string::npos);
  BOOST_TEST(
      faults_of({{"from", {}, scalar_of("the shop")}}).find("no mail address")
      != std::string::npos);
  BOOST_TEST(
      faults_of({{"domain", {}, scalar_of("a b")}}).find("mail domain") != std::string::npos);
  BOOST_TEST(
      faults_of({{"spool", {}, scalar_of("")}}).find("names no folder") != std::string::npos);
  BOOST_TEST(faults_of({{"spol", {}, scalar_of("x")}}).find("spol") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::shop::test

#include "actors/payments/simulated_provider.hpp"

#include "tests/actors/actor_fixture.hpp"

#include <fstream>
#include <iterator>

namespace utf = boost::unit_test;

namespace troupe::shop::test {

using payments::simulated_provider;
using payments::transfer;

struct provider_fixture {
  std::string log() const {
    std::ifstream file{folder.path + "/data/provider.log"};
    return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
  }

  temporary_folder folder;
  uuid_source ids{1};
  transfer wanted{
      .key = ids.next({}),
      .order_id = ids.next({}),
      .amount_cents = 500,
      .currency = "EUR",
      .card = "tok"};
};

BOOST_AUTO_TEST_SUITE(actors_payments_simulated_provider, *utf::label("unit") * utf::timeout(30))

BOOST_FIXTURE_TEST_CASE(it_writes_down_what_it_carries_out, provider_fixture) {
  simulated_provider one{{.decline_over = 500, .log = "data/provider.log"}, folder.path};
  simulated_provider other{{.decline_over = 499, .log = "data/provider.log"}, folder.path};

  BOOST_TEST(one.charge(wanted).value().charged);
  BOOST_TEST(!other.charge(wanted).value().charged);
  BOOST_TEST(other.refund(wanted).has_value());

  const std::string key = to_string(wanted.key);
  const std::string order = to_string(wanted.order_id);
  BOOST_TEST(log() == key + " capture " + order + " 500\n" + key + " refund " + order + " 500\n");
}

BOOST_FIXTURE_TEST_CASE(a_repeat_gets_the_same_answer, provider_fixture) {
  simulated_provider one{{}, folder.path};
  simulated_provider other{{}, folder.path};

  BOOST_TEST(one.charge(wanted).value().reference == other.charge(wanted).value().reference);
}

BOOST_FIXTURE_TEST_CASE(every_nth_answer_gets_lost, provider_fixture) {
  simulated_provider one{{.fail_every = 3, .log = "data/provider.log"}, folder.path};

  BOOST_TEST(one.charge(wanted).has_value());
  BOOST_TEST(one.charge(wanted).has_value());
  const auto third = one.charge(wanted);
  BOOST_TEST(one.charge(wanted).has_value());

  BOOST_REQUIRE(!third.has_value());
  BOOST_TEST((third.error().code == errc::unavailable));
  BOOST_TEST((third.error().possible == effect::unknown));
  const std::string lines = log();
  BOOST_TEST(std::ranges::count(lines, '\n') == 4);
}

BOOST_FIXTURE_TEST_CASE(without_a_log_it_charges_nobody, provider_fixture) {
  std::ofstream{folder.path + "/data"} << "a file where the folder should be";
  simulated_provider one{{.log = "data/provider.log"}, folder.path};

  const auto charged = one.charge(wanted);

  BOOST_REQUIRE(!charged.has_value());
  BOOST_TEST((charged.error().possible == effect::none));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::shop::test

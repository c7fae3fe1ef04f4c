#include "runtime/broker/events/feeder.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

constexpr login_id n1{1};

/// A feeder whose subscriber `mail` logs in with a database that has handled less than it had.
struct fed_copy {
  quarantine alone;
  cut_links cuts;
  feeder inner;
  event_decisions out;
  instant now{std::chrono::seconds{100}};

  explicit fed_copy(const journal_state& state, bool has_store = true)
      : inner{
          {{.capability = "mail", .patterns = {"order.*"}, .has_store = has_store}},
          state,
          alone,
          cuts,
          1} {}

  /// @return what the subscriber says of it.
  std::string log_in(std::uint64_t highest) {
    inner.joined(n1, "n1", uuid{}, {{.capability = "mail", .events = 10}}, now, out);
    inner.tick(now, 0, out);
    std::uint64_t epoch = 0;
    for (const event_action& each : out.actions) {
      if (const auto* given = std::get_if<send_assign>(&each)) {
        epoch = given->epoch;
      }
    }
    inner.assigned(n1, {"mail", epoch, {{3, 5, {}}}, {}, highest}, now, out);
    return inner[0].look().trouble;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_events_older_copy, *utf::label("unit") * utf::timeout(10))

// Retention has deleted some of what it lost: it would be passed over, and nobody would know.
BOOST_AUTO_TEST_CASE(an_older_database_that_lost_deleted_events_gets_none_until_a_person_says_so) {
  cursor_row mail{"mail"};
  mail.handled.fill(9);
  mail.reached[3] = 8;
  const journal_state kept{.last = 9, .cursors = {mail}};
  journal_state swept = kept;
  swept.deletions = {{"order.placed", 7}, {"stock.low", 8}};
  journal_state forgotten = kept;
  forgotten.deletions = {{"", 7}}; // It may have been one of its topics.
  const auto is_refused = [](fed_copy& copy, std::uint64_t highest) {
    return copy.log_in(highest).find("deleted up to 7") != std::string::npos;
  };

  fed_copy at_start{swept};
  BOOST_TEST(is_refused(at_start, 5));
  BOOST_TEST(at_start.inner[0].reached()[3] == 8U); // So it is refused the next time, too.
  fed_copy of_forgotten{forgotten};
  BOOST_TEST(is_refused(of_forgotten, 6));
  fed_copy meanwhile{kept};
  meanwhile.inner.deleted({{"order.placed", 7}});
  BOOST_TEST(is_refused(meanwhile, 6));
  fed_copy young{swept};
  BOOST_TEST(young.log_in(7) == "");
  BOOST_TEST(young.inner[0].reached()[3] == 5U); // It is offered again what it lost.
  fed_copy memory{swept, false};
  BOOST_TEST(memory.log_in(5) == ""); // A new process of a capability without a database.
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker

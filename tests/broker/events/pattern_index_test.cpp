#include "runtime/broker/events/pattern_index.hpp"

#include "runtime/wire/events.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace utf = boost::unit_test;

namespace troupe::broker {

BOOST_AUTO_TEST_SUITE(runtime_broker_events_pattern_index, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(an_event_finds_whoever_has_a_pattern_that_matches) {
  const std::vector<std::vector<std::string>> patterns{
      {"*"}, {"a"}, {"a.*"}, {"a.b"}, {"a.b.*", "c"}, {"a.b.c"}, {"ab.*"}, {"a", "a.b.c", "*"}};
  pattern_index tested;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    tested.add(i, patterns[i]);
  }
  tested.add(99, patterns[0]);
  tested.remove(99, patterns[0]);

  for (const std::string topic : {"a", "ab", "a.b", "a.b.c", "a.b.c.d", "c", "ab.c", "d"}) {
    std::vector<std::uint64_t> found;
    tested.find(topic, found);
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      const bool is_meant = std::ranges::any_of(
          patterns[i], [&](const std::string& pattern) { return wire::matches(pattern, topic); });
      BOOST_TEST((std::ranges::count(found, i) != 0) == is_meant, topic << " and patterns " << i);
    }
    BOOST_TEST(std::ranges::count(found, 99U) == 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker

#include "runtime/wire/events.hpp"
#include "runtime/wire/limits.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::wire;
namespace utf = boost::unit_test;

BOOST_AUTO_TEST_SUITE(runtime_wire_topics, *utf::label("unit") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(a_pattern_means_itself_what_begins_like_it_or_everything) {
  BOOST_TEST(matches("order.created", "order.created"));
  BOOST_TEST(!matches("order.created", "order.created.again"));
  BOOST_TEST(matches("order.*", "order.created"));
  BOOST_TEST(matches("order.*", "order.line.added"));
  BOOST_TEST(!matches("order.*", "order."));
  BOOST_TEST(!matches("order.*", "orders.created"));
  BOOST_TEST(matches("*", "order"));
}

BOOST_AUTO_TEST_CASE(a_topic_has_parts_of_small_letters_digits_and_underscores) {
  BOOST_TEST(is_topic("order.created"));
  BOOST_TEST(is_topic("stock_2.low"));
  for (const char* wrong : {"", ".", "order.", ".order", "order..created", "Order", "a b", "a*"}) {
    BOOST_TEST(!is_topic(wrong), wrong);
  }
  BOOST_TEST(is_topic(std::string(name_bytes_max, 'a')));
  BOOST_TEST(!is_topic(std::string(name_bytes_max + 1, 'a')));
}

BOOST_AUTO_TEST_CASE(a_pattern_is_a_topic_or_the_beginning_of_topics) {
  for (const char* pattern : {"*", "a", "a.*", "order.created", "x_1.y2.z3.*"}) {
    BOOST_TEST(is_pattern(pattern), pattern);
  }
  for (const char* wrong :
       {"",
        ".",
        ".*",
        "**",
        "a*",
        "a.**",
        "*.a",
        "a.*.b",
        "a..b",
        "a.",
        ".a",
        "a..*",
        "A",
        "a-b"}) {
    BOOST_TEST(!is_pattern(wrong), wrong);
  }
}

BOOST_AUTO_TEST_CASE(the_partition_of_a_key_never_changes) {
  // Positions are kept by partition: another hash would handle events twice, or never.
  const uuid id{{std::byte{1}, std::byte{2}, std::byte{3}}};
  BOOST_TEST(partition_of("customer-7", id) == partition_of("customer-7", uuid{}));
  BOOST_TEST(partition_of("", id) < partition_count);
  BOOST_TEST(partition_of("customer-7", id) == 40U);
  BOOST_TEST(partition_of("", id) == 32U);
}

BOOST_AUTO_TEST_SUITE_END()

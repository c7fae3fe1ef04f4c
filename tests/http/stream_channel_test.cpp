#include "runtime/http/stream_channel.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::http {

namespace {

struct channel_fixture {
  int wakes = 0;
  int goings = 0;
  int rooms = 0;
  stream_channel channel{
      body_framing::chunked, 32, [this] { ++wakes; }, {[this] { ++goings; }, [this] { ++rooms; }}};
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_http_stream_channel, *utf::label("unit") * utf::timeout(5))

BOOST_FIXTURE_TEST_CASE(parts_are_taken_together_after_one_wake, channel_fixture) {
  BOOST_TEST((channel.write("ab") == written::queued));
  BOOST_TEST((channel.write("") == written::queued));
  BOOST_TEST((channel.write("c") == written::queued));

  BOOST_TEST(wakes == 1);
  BOOST_TEST(channel.take().bytes == "2\r\nab\r\n1\r\nc\r\n");
  channel.write("d");
  BOOST_TEST(wakes == 2);
}

BOOST_FIXTURE_TEST_CASE(what_finds_no_room_is_not_taken_until_there_is_some, channel_fixture) {
  channel.write(std::string(15, 'a'));
  channel.take(); // In hand until the next `take`, and so counted.

  BOOST_TEST((channel.write(std::string(20, 'b')) == written::full));
  BOOST_TEST((channel.write("c") == written::full)); // Or it would come before its turn.
  BOOST_TEST(rooms == 0);

  BOOST_TEST(channel.take().bytes == "");
  BOOST_TEST(rooms == 1);
  BOOST_TEST((channel.write("d") == written::queued));
  channel.take();
  BOOST_TEST(rooms == 1);
}

// Refused, it would be refused forever, and with it all that comes behind.
BOOST_FIXTURE_TEST_CASE(
    a_part_larger_than_all_the_room_is_taken_when_nothing_waits, channel_fixture) {
  const std::string large(100, 'b');
  channel.write("a");
  BOOST_TEST((channel.write(large) == written::full));
  channel.take();
  BOOST_TEST(rooms == 1);
  BOOST_TEST((channel.write(large) == written::full)); // "a" is in hand.
  channel.take();
  BOOST_TEST(rooms == 2);

  BOOST_TEST((channel.write(large) == written::queued));
  BOOST_TEST((channel.write("c") == written::full));
  channel.finish("END");

  // In pieces, as each has its time at the peer.
  std::string sent;
  stream_channel::step next = channel.take();
  BOOST_TEST(!next.is_finished);
  for (; !next.bytes.empty(); next = channel.take()) {
    BOOST_TEST(next.bytes.size() <= 64U);
    sent += next.bytes;
  }
  BOOST_TEST(next.is_finished);
  BOOST_TEST(sent == "64\r\n" + large + "\r\n3\r\nEND\r\n0\r\n\r\n");
}

BOOST_FIXTURE_TEST_CASE(a_last_word_always_has_room, channel_fixture) {
  channel.write(std::string(32, 'a'));
  channel.take();
  BOOST_TEST((channel.write("b") == written::full));

  channel.finish("position 7");

  const auto last = channel.take();
  BOOST_TEST(last.bytes == "a\r\nposition 7\r\n0\r\n\r\n");
  BOOST_TEST(last.is_finished);
  BOOST_TEST(rooms == 0);
  BOOST_TEST((channel.write("d") == written::gone));
}

BOOST_FIXTURE_TEST_CASE(who_makes_a_stream_hears_once_that_the_peer_is_gone, channel_fixture) {
  channel.end();
  channel.end();

  BOOST_TEST(goings == 1);
  BOOST_TEST((channel.write("a") == written::gone));
}

BOOST_FIXTURE_TEST_CASE(the_end_of_a_finished_stream_is_no_news, channel_fixture) {
  channel.finish("");
  channel.end();

  BOOST_TEST(goings == 0);
}

BOOST_FIXTURE_TEST_CASE(a_stream_that_nobody_finished_is_abandoned, channel_fixture) {
  channel.write("a");
  channel.take();
  channel.abandon();

  BOOST_TEST(wakes == 2);
  BOOST_TEST(channel.take().is_abandoned);
}

BOOST_FIXTURE_TEST_CASE(a_finished_stream_is_not_abandoned, channel_fixture) {
  channel.finish("a");
  channel.abandon();

  BOOST_TEST(!channel.take().is_abandoned);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::http

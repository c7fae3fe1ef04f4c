#include "runtime/broker/events/incoming.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>

namespace troupe::broker {

namespace utf = boost::unit_test;

namespace {

constexpr origin client{7};

wire::header_view publish_header(unsigned char id, std::string_view source) {
  wire::header_view header;
  header.id.bytes[0] = static_cast<std::byte>(id);
  header.op = "stock.low";
  header.source = source;
  return header;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_incoming, *utf::label("unit") * utf::timeout(5))

// With a source it still is no event of an outbox, which would be asked for again.
BOOST_AUTO_TEST_CASE(a_clients_event_keeps_its_source_also_when_a_write_fails) {
  incoming tested{{}, {}};
  event_decisions out;
  tested.publish(client, publish_header(1, "shop"), "x", 1'000, out);
  BOOST_TEST(tested.take_batch().events.size() == 1U);
  tested.publish(client, publish_header(2, "importer"), "x", 1'000, out);
  const auto from_outbox = std::make_shared<event>();
  from_outbox->topic = "stock.low";
  from_outbox->source = "stock";
  tested.accept(from_outbox, 1'000);

  tested.failed({.code = errc::unavailable, .message = "the disk is full"}, instant{}, out);
  tested.end_batch(false);

  const journal_batch& next = tested.take_batch();
  BOOST_REQUIRE(next.events.size() == 1U);
  BOOST_TEST(next.events[0]->source == "importer");
  BOOST_TEST(next.events[0]->position == 1U);
}

// In a batch it would make everybody's events fail, again and again.
BOOST_AUTO_TEST_CASE(a_key_that_the_database_does_not_keep_is_refused_alone) {
  using namespace std::string_view_literals;
  incoming tested{{.keeps_nul = false}, {}};
  event_decisions out;
  wire::header_view header = publish_header(1, "shop\0"sv);
  header.key = "a\0b"sv;
  tested.publish(client, header, "x", 1'000, out);
  header = publish_header(2, "shop\0"sv);
  header.key = "a";
  header.traceparent = "00-\0"sv;
  tested.publish(client, header, "x", 1'000, out);

  BOOST_REQUIRE(out.errors.size() == 1U);
  BOOST_TEST((out.errors[0].code == errc::invalid));
  const journal_batch& batch = tested.take_batch();
  BOOST_REQUIRE(batch.events.size() == 1U);
  BOOST_TEST(batch.events[0]->source == "shop?");
  BOOST_TEST(batch.events[0]->traceparent == "");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker

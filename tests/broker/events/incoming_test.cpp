#include "runtime/broker/events/incoming.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <span>
#include <variant>

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

BOOST_AUTO_TEST_CASE(the_same_id_with_another_key_is_another_event) {
  incoming tested{{}, {}};
  event_decisions out;
  wire::header_view header = publish_header(1, "");
  header.key = "a";
  tested.publish(client, header, "x", 1'000, out);
  tested.publish(client, header, "x", 1'000, out);
  BOOST_TEST(out.errors.empty());
  for (const std::string_view other : {"b", ""}) {
    header.key = other;
    tested.publish(client, header, "x", 1'000, out);
  }

  BOOST_REQUIRE(out.errors.size() == 2U);
  BOOST_TEST(out.errors[0].detail("reason") == "id_reused");
  BOOST_TEST(tested.take_batch().events.size() == 1U);
  tested.written(out);
  tested.end_batch(true);
  auto later = std::make_shared<event>();
  later->id = header.id;
  later->topic = header.op;
  later->key = "b";
  later->body = "x";
  const auto scheduled = tested.schedule({later->id, 2'000, later}, client, "");
  BOOST_REQUIRE(!scheduled.has_value());
  BOOST_TEST((scheduled.error().code == errc::conflict));
}

// Its digest has no key in it.
BOOST_AUTO_TEST_CASE(an_id_of_an_earlier_release_is_known_again) {
  const auto digest_of_text = [](std::string_view text) {
    return digest_of(std::as_bytes(std::span{text}));
  };
  wire::header_view header = publish_header(1, "");
  header.key = "a";
  incoming tested{
      {},
      {.last = 1, .recent = {{header.id, 1, digest_of_text("stock.low") ^ digest_of_text("x")}}}};
  event_decisions out;

  tested.publish(client, header, "x", 1'000, out);
  tested.publish(client, header, "y", 1'000, out);

  BOOST_REQUIRE(out.actions.size() == 2U);
  const auto* const answered = std::get_if<answer_published>(&out.actions[0]);
  BOOST_REQUIRE(answered != nullptr);
  BOOST_TEST(answered->is_repeat);
  BOOST_TEST(answered->position == 1U);
  BOOST_TEST(out.errors.size() == 1U);
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

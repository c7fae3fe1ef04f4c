#include "runtime/wire/envelope.hpp"

#include "runtime/wire/reader.hpp"
#include "tests/wire/bytes.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>

namespace utf = boost::unit_test;

namespace troupe::wire {

namespace {

using namespace std::chrono_literals;

std::string call_of(const call_header& header) {
  std::string bytes;
  append_call_header(bytes, header);
  return bytes;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_wire_envelope, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_call_header_is_read_as_it_was_written) {
  const std::string bytes = call_of(
      {.id = call_id(),
       .to = "orders",
       .op = "place",
       .key = "k",
       .ttl = 1234,
       .traceparent = "00-a-b-01",
       .source = "n1"});

  const auto header = scan_header(bytes);

  BOOST_REQUIRE(header.has_value());
  BOOST_TEST(header->version == 1);
  BOOST_TEST((header->kind == kind::call));
  BOOST_TEST((header->status == status::none));
  BOOST_TEST(header->has_id);
  BOOST_TEST((header->id == call_id()));
  BOOST_TEST(header->to == "orders");
  BOOST_TEST(header->op == "place");
  BOOST_TEST(header->key == "k");
  BOOST_TEST(header->has_ttl);
  BOOST_TEST(header->ttl == 1234U);
  BOOST_TEST(header->traceparent == "00-a-b-01");
  BOOST_TEST(header->source == "n1");
  BOOST_TEST(header->error.empty());
}

BOOST_AUTO_TEST_CASE(absent_keys_are_empty) {
  const std::string bytes = call_of({.id = call_id(), .to = "orders", .op = "place", .ttl = 1});

  const auto header = scan_header(bytes);

  BOOST_REQUIRE(header.has_value());
  BOOST_TEST(header->key.empty());
  BOOST_TEST(header->traceparent.empty());
  BOOST_TEST(header->source.empty());
}

BOOST_AUTO_TEST_CASE(replies_are_read_as_they_were_written) {
  for (const status sent : {status::ok, status::pending}) {
    std::string bytes;
    append_reply_header(bytes, call_id(), sent);

    const auto header = scan_header(bytes);

    BOOST_REQUIRE(header.has_value());
    BOOST_TEST((header->kind == kind::reply));
    BOOST_TEST((header->status == sent));
    BOOST_TEST((header->id == call_id()));
    BOOST_TEST(!header->has_ttl);
  }
}

// A string in its longest form means the same and is not what our encoder writes, so that the
// header is read the general way: both ways must agree.
BOOST_AUTO_TEST_CASE(a_header_written_otherwise_is_read_alike) {
  const std::string usual =
      call_of({.id = call_id(), .to = "orders", .op = "place", .key = "k", .ttl = 1234});
  std::string unusual = usual;
  const std::size_t at = unusual.find("\xa2op");
  unusual.replace(at, 1, std::string{"\xdb\0\0\0\2", 5});

  const auto quick = scan_header(usual);
  const auto general = scan_header(unusual);

  BOOST_REQUIRE(quick.has_value());
  BOOST_REQUIRE(general.has_value());
  BOOST_TEST(quick->version == general->version);
  BOOST_TEST((quick->kind == general->kind));
  BOOST_TEST((quick->status == general->status));
  BOOST_TEST((quick->id == general->id));
  BOOST_TEST(quick->has_id);
  BOOST_TEST(quick->has_ttl);
  BOOST_TEST(quick->to == general->to);
  BOOST_TEST(quick->op == general->op);
  BOOST_TEST(quick->key == general->key);
  BOOST_TEST(quick->ttl == general->ttl);
  BOOST_TEST(quick->ttl_at + 4 == general->ttl_at);
}

BOOST_AUTO_TEST_CASE(an_event_written_otherwise_is_read_alike) {
  const std::string traceparent(55, 't');
  for (unsigned with = 0; with < 16; ++with) {
    const bool is_event = (with & 1U) != 0;
    const event_header sent{
        .kind = is_event ? kind::event : kind::relay,
        .id = call_id(),
        .to = "orders",
        .topic = "order.created",
        .key = (with & 2U) != 0 ? std::string_view{"customer-12"} : std::string_view{},
        .source = (with & 4U) != 0 ? std::string_view{"orders"} : std::string_view{},
        .traceparent = (with & 8U) != 0 ? std::string_view{traceparent} : std::string_view{},
        .seq = std::uint64_t{1} << (with * 4),
        .time = is_event ? 1'700'000'000'000U : 0U};
    std::string usual;
    append_event_header(usual, sent);
    std::string unusual = usual;
    unusual.replace(unusual.find("\xa2op"), 1, std::string{"\xdb\0\0\0\2", 5});

    const auto quick = scan_header(usual);
    const auto general = scan_header(unusual);

    BOOST_TEST_CONTEXT("with " << with) {
      BOOST_REQUIRE(quick.has_value());
      BOOST_REQUIRE(general.has_value());
      BOOST_TEST(quick->version == general->version);
      BOOST_TEST((quick->kind == sent.kind));
      BOOST_TEST((general->kind == sent.kind));
      BOOST_TEST((quick->id == general->id));
      BOOST_TEST(quick->has_id);
      BOOST_TEST(quick->has_seq);
      BOOST_TEST(!quick->has_ttl);
      BOOST_TEST(quick->to == general->to);
      BOOST_TEST(quick->op == general->op);
      BOOST_TEST(quick->seq == sent.seq);
      BOOST_TEST(general->seq == sent.seq);
      BOOST_TEST(quick->time == general->time);
      BOOST_TEST(quick->key == sent.key);
      BOOST_TEST(quick->source == sent.source);
      BOOST_TEST(quick->traceparent == sent.traceparent);
    }
    for (std::size_t size = 0; size < usual.size(); ++size) {
      BOOST_TEST(!scan_header(std::string_view{usual}.substr(0, size)).has_value());
    }
    BOOST_TEST(!scan_header(usual + '\0').has_value());
  }
}

BOOST_AUTO_TEST_CASE(every_kind_is_read_by_its_word) {
  for (const kind sent :
       {kind::hello, kind::welcome, kind::ping, kind::pong, kind::state, kind::roster, kind::bye}) {
    std::string bytes;
    append_plain_header(bytes, sent);

    const auto header = scan_header(bytes);

    BOOST_REQUIRE(header.has_value());
    BOOST_TEST((header->kind == sent), name_of(sent));
    BOOST_TEST(!header->has_id);
  }
}

BOOST_AUTO_TEST_CASE(a_header_is_appended_behind_what_is_there) {
  std::string bytes = "before";
  append_call_header(bytes, {.id = call_id(), .to = "orders", .op = "place", .ttl = 99});

  const auto header = scan_header(std::string_view{bytes}.substr(6));

  BOOST_REQUIRE(header.has_value());
  BOOST_TEST(header->ttl == 99U);
}

BOOST_AUTO_TEST_CASE(a_ttl_of_fixed_width_is_patched_in_place) {
  std::string bytes = call_of({.id = call_id(), .to = "orders", .op = "place", .ttl = 5000});
  const std::size_t size = bytes.size();

  for (const std::uint32_t ttl : {0U, 1U, 0x12345678U, std::numeric_limits<std::uint32_t>::max()}) {
    patch_ttl(bytes.data(), scan_header(bytes)->ttl_at, ttl);

    BOOST_TEST(scan_header(bytes)->ttl == ttl);
    BOOST_TEST(bytes.size() == size);
  }
}

// Libraries pack small integers short; such a header is rewritten instead.
BOOST_AUTO_TEST_CASE(a_short_ttl_is_read_but_has_no_place_to_patch) {
  const std::string whole = call_of({.id = call_id(), .to = "orders", .op = "place", .ttl = 5000});
  const std::string before = whole.substr(0, whole.size() - 5);

  for (const auto& [digits, ttl] :
       {std::pair{"05", 5U},
        std::pair{"cc ff", 255U},
        std::pair{"cd 13 88", 5000U},
        std::pair{"cf 00000000 00001388", 5000U},
        std::pair{"d2 00001388", 5000U}}) {
    const std::string bytes = before + hex(digits);
    const auto header = scan_header(bytes);

    BOOST_REQUIRE(header.has_value());
    BOOST_TEST(header->has_ttl);
    BOOST_TEST(header->ttl == ttl);
    BOOST_TEST(header->ttl_at == 0U);
  }
}

BOOST_AUTO_TEST_CASE(what_is_left_is_rounded_to_milliseconds_but_never_up_from_nothing) {
  BOOST_TEST(ttl_of(instant::duration{-1s}) == 0U);
  BOOST_TEST(ttl_of(instant::duration{0}) == 0U);
  BOOST_TEST(ttl_of(instant::duration{1us}) == 1U);
  BOOST_TEST(ttl_of(instant::duration{1999us}) == 1U);
  BOOST_TEST(ttl_of(instant::duration{5s}) == 5000U);
  BOOST_TEST(ttl_of(instant::duration{24h * 365}) == std::numeric_limits<std::uint32_t>::max());
}

BOOST_AUTO_TEST_CASE(views_point_into_the_bytes_given) {
  const std::string bytes = call_of({.id = call_id(), .to = "orders", .op = "place", .ttl = 1});

  const auto header = scan_header(bytes);

  BOOST_REQUIRE(header.has_value());
  const auto offset = header->to.data() - bytes.data();
  BOOST_TEST(offset > 0);
  BOOST_TEST(bytes.substr(static_cast<std::size_t>(offset), 6) == "orders");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::wire

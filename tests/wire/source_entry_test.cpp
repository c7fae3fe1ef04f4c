#include "runtime/wire/source_entry.hpp"

#include "runtime/wire/writer.hpp"
#include "tests/wire/bytes.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::wire {

namespace {

struct source_fixture {
  /// What a worker reads after the broker has named the sender.
  header_view named(const std::string& bytes, std::string_view name = "g1") {
    sent = bytes;
    header = scan_header(sent).value();
    const std::string_view out = put_source(header, sent, name, buffer);
    passed_on = std::string{out};
    // The views are into what is passed on.
    BOOST_TEST((header.to.data() >= out.data() && header.to.data() < out.data() + out.size()));
    BOOST_TEST((header.op.data() >= out.data() && header.op.data() < out.data() + out.size()));
    return scan_header(passed_on).value();
  }

  /// What a header may say beside the rest.
  struct extras {
    std::string_view key{};
    std::string_view traceparent{};
    std::string_view source{};
  };

  static std::string call_of(const extras& with) {
    std::string bytes;
    append_call_header(
        bytes,
        {.id = call_id(),
         .to = "orders",
         .op = "place",
         .key = with.key,
         .ttl = 1'234,
         .traceparent = with.traceparent,
         .source = with.source});
    return bytes;
  }

  void check(const header_view& read, std::string_view key, std::string_view trace) {
    BOOST_TEST(read.source == "g1");
    BOOST_TEST(header.source == "g1");
    BOOST_TEST((read.id == call_id()));
    BOOST_TEST(read.to == "orders");
    BOOST_TEST(read.op == "place");
    BOOST_TEST(read.key == key);
    BOOST_TEST(read.traceparent == trace);
    BOOST_TEST(read.ttl == 1'234U);
    BOOST_TEST(header.ttl_at == read.ttl_at);
    BOOST_TEST(header.op == read.op);
    BOOST_TEST(header.key == read.key);
  }

  std::string sent;
  std::string buffer;
  std::string passed_on;
  header_view header;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_wire_source_entry, source_fixture, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(the_name_is_put_behind_the_other_entries) {
  check(named(call_of({})), "", "");
  check(named(call_of({.key = "k"})), "k", "");
  check(named(call_of({.key = "k", .traceparent = "00-1-2-01"})), "k", "00-1-2-01");
}

BOOST_AUTO_TEST_CASE(a_name_of_any_length_is_put_there) {
  for (const std::size_t size : {1U, 31U, 32U, 64U}) {
    const std::string name(size, 'n');

    BOOST_TEST(named(call_of({.key = "k"}), name).source == name);
    BOOST_TEST(header.source == name);
    BOOST_TEST(header.key == "k");
  }
}

BOOST_AUTO_TEST_CASE(what_the_sender_says_of_himself_is_replaced) {
  check(named(call_of({.key = "k", .traceparent = "t", .source = "orders"})), "k", "t");
  check(named(call_of({.source = "\xc3\xa9 and more than thirty-one bytes of a name"})), "", "");
}

BOOST_AUTO_TEST_CASE(a_header_that_says_it_already_is_passed_on_as_it_is) {
  const std::string bytes = call_of({.source = "g1"});

  check(named(bytes), "", "");

  BOOST_TEST(passed_on == bytes);
}

// An entry that is there and empty must not come twice, however its key is written: the worker
// would refuse the header.
BOOST_AUTO_TEST_CASE(an_empty_entry_is_replaced) {
  for (const std::string_view key :
       {std::string_view{"\xa6source"}, std::string_view{"\xd9\x06source"}}) {
    std::string bytes = call_of({});
    ++bytes.front();
    bytes += key;
    bytes += '\xa0';

    check(named(bytes), "", "");
  }
}

BOOST_AUTO_TEST_CASE(a_header_that_has_no_room_for_an_entry_is_written_anew) {
  std::string bytes = call_of({});
  for (char each = 'a'; each <= 'i'; ++each) {
    ++bytes.front();
    bytes += std::string{"\xa1"} + each + '\xc0';
  }
  BOOST_REQUIRE((static_cast<unsigned char>(bytes.front()) == 0x8fU));

  check(named(bytes), "", "");
}

BOOST_AUTO_TEST_CASE(a_ttl_that_cannot_be_patched_is_written_anew) {
  std::string bytes = call_of({});
  const std::size_t at = bytes.find("\xa3ttl");
  bytes.replace(at + 4, 5, std::string{"\xcd\x04\xd2", 3});

  check(named(bytes), "", "");
  BOOST_TEST(header.ttl_at != 0U);
}

// With a name the quick way and the general way of reading agree.
BOOST_AUTO_TEST_CASE(a_named_call_written_otherwise_is_read_alike) {
  const std::string usual = call_of({.key = "k", .source = "g1"});
  std::string unusual = usual;
  unusual.replace(unusual.find("\xa2op"), 1, std::string{"\xdb\0\0\0\2", 5});

  const auto quick = scan_header(usual).value();
  const auto general = scan_header(unusual).value();

  BOOST_TEST(quick.source == general.source);
  BOOST_TEST(quick.key == general.key);
  BOOST_TEST(quick.ttl == general.ttl);
  BOOST_TEST(!scan_header(usual + "\xa1x"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::wire

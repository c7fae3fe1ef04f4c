#include "runtime/wire/batch.hpp"

#include "tests/wire/bytes.hpp"

#include <boost/test/unit_test.hpp>

#include <utility>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::wire {

namespace {

using envelopes = std::vector<std::pair<std::string, std::string>>;

struct batch_fixture {
  batch_writer writer;
  bool malformed = false;

  envelopes read(std::string_view frame) {
    envelopes found;
    BOOST_REQUIRE(batch_reader::is_batch(frame));
    batch_reader reader{frame};
    for (envelope_view each; reader.next(each);) {
      found.emplace_back(each.header, each.body);
    }
    malformed = reader.malformed();
    return found;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_wire_batch, *utf::label("unit") * utf::timeout(30))

BOOST_FIXTURE_TEST_CASE(what_is_appended_is_read_in_order, batch_fixture) {
  const envelopes sent{{"h1", "b1"}, {"header two", ""}, {"", "body"}, {"", ""}};
  for (const auto& [header, body] : sent) {
    writer.append(header, body);
  }

  BOOST_TEST((read(writer.frame()) == sent));
  BOOST_TEST(!malformed);
}

BOOST_FIXTURE_TEST_CASE(lengths_are_little_endian_and_come_first, batch_fixture) {
  writer.append("ab", "c");

  BOOST_TEST(to_hex(writer.frame()) == "c1010200000001000000616263");
}

BOOST_FIXTURE_TEST_CASE(writing_in_place_gives_the_same_frame_as_appending, batch_fixture) {
  batch_writer in_place;
  writer.append("head", "body");
  writer.append("h", "");

  for (const auto& [header, body] : envelopes{{"head", "body"}, {"h", ""}}) {
    const std::size_t at = in_place.begin();
    in_place.frame() += header;
    in_place.begin_body(at);
    in_place.frame() += body;
    in_place.end(at);
  }

  BOOST_TEST(to_hex(in_place.frame()) == to_hex(writer.frame()));
}

BOOST_FIXTURE_TEST_CASE(taking_the_frame_starts_the_next, batch_fixture) {
  writer.append("one", "1");
  const std::string first = writer.take();

  BOOST_TEST(writer.empty());
  writer.append("two", "2");
  BOOST_TEST((read(first) == envelopes{{"one", "1"}}));
  BOOST_TEST((read(writer.take()) == envelopes{{"two", "2"}}));
  writer.append("three", "3");
  writer.clear();
  BOOST_TEST(writer.bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(only_the_mark_and_its_version_make_a_batch) {
  BOOST_TEST(batch_reader::is_batch(hex("c1 01")));
  BOOST_TEST(batch_reader::is_batch(hex("c1 01 00")));
  BOOST_TEST(!batch_reader::is_batch(hex("")));
  BOOST_TEST(!batch_reader::is_batch(hex("c1")));
  BOOST_TEST(!batch_reader::is_batch(hex("c1 02")));
  BOOST_TEST(!batch_reader::is_batch(hex("81 01")));
}

BOOST_FIXTURE_TEST_CASE(a_batch_of_nothing_is_well_formed, batch_fixture) {
  BOOST_TEST((read(hex("c1 01")) == envelopes{}));
  BOOST_TEST(!malformed);
}

BOOST_FIXTURE_TEST_CASE(a_cut_batch_gives_its_whole_envelopes_and_says_so, batch_fixture) {
  writer.append("h1", "b1");
  const std::size_t first_end = writer.bytes();
  writer.append("h2", "b2");

  each_prefix(writer.frame(), [&](std::string_view bytes) {
    if (bytes.size() < 2) {
      return;
    }
    const envelopes found = read(bytes);
    BOOST_TEST(found.size() == (bytes.size() < first_end ? 0U : 1U));
    BOOST_TEST(malformed == (bytes.size() != 2 && bytes.size() != first_end));
  });
}

BOOST_FIXTURE_TEST_CASE(lengths_beyond_the_frame_are_malformed, batch_fixture) {
  for (const char* frame :
       {"c1 01 ff ff ff ff 00 00 00 00 61",
        "c1 01 00 00 00 00 ff ff ff ff 61",
        // Their sum is 2^32, which is 0 in 32 bits.
        "c1 01 00 00 00 80 00 00 00 80 61",
        "c1 01 01 00 00 00 01 00 00 00 61"}) {
    exactly(hex(frame), [&](std::string_view bytes) {
      BOOST_TEST(read(bytes).empty());
      BOOST_TEST(malformed);
    });
  }
}

BOOST_FIXTURE_TEST_CASE(a_malformed_batch_stays_malformed, batch_fixture) {
  const std::string frame = hex("c1 01 ff 00 00 00 00 00 00 00");
  batch_reader reader{frame};
  envelope_view envelope;

  BOOST_TEST(!reader.next(envelope));
  BOOST_TEST(!reader.next(envelope));
  BOOST_TEST(reader.malformed());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::wire

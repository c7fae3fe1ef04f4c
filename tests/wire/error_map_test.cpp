#include "runtime/wire/error_map.hpp"

#include "runtime/wire/check.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/reader.hpp"
#include "runtime/wire/writer.hpp"
#include "tests/wire/bytes.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>

namespace utf = boost::unit_test;

namespace troupe::wire {

namespace {

error there_and_back(const error& sent) {
  std::string bytes;
  append_error(bytes, sent);
  BOOST_TEST(check(bytes).has_value());
  const auto got = read_error(bytes);
  BOOST_REQUIRE(got.has_value());
  return *got;
}

std::string map_of(std::string_view key, const std::string& value) {
  std::string bytes;
  writer to{bytes};
  to.map(1);
  to.text(key);
  to.raw(value);
  return bytes;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_wire_error_map, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(an_error_arrives_as_it_was_sent) {
  for (int code = 1; code <= static_cast<int>(errc::internal); ++code) {
    const error sent{
        .code = static_cast<errc>(code),
        .possible = code % 2 == 0 ? effect::none : effect::unknown,
        .message = "why",
        .retry_after = milliseconds{code},
        .details = {{"reason", "out_of_stock"}, {"sku", "tea"}},
        .is_final = code % 3 == 0};

    BOOST_TEST((there_and_back(sent) == sent), name_of(sent.code));
  }
  const error plain{.code = errc::forbidden, .message = {}};
  BOOST_TEST((there_and_back(plain) == plain));
}

BOOST_AUTO_TEST_CASE(what_is_not_said_is_assumed_to_be_the_worse) {
  const auto read = read_error(hex("80"));

  BOOST_REQUIRE(read.has_value());
  BOOST_TEST((read->code == errc::internal));
  BOOST_TEST((read->possible == effect::unknown));
  BOOST_TEST(!read->retry_after.has_value());
  BOOST_TEST(!read->is_final);
}

BOOST_AUTO_TEST_CASE(words_of_a_newer_sender_are_understood_carefully) {
  const auto code = read_error(map_of("code", hex("a5") + "moody"));
  const auto possible = read_error(map_of("effect", hex("a5") + "maybe"));
  const auto unknown_key = read_error(map_of("mood", hex("91 01")));

  BOOST_TEST((code && code->code == errc::internal));
  BOOST_TEST((possible && possible->possible == effect::unknown));
  BOOST_TEST(unknown_key.has_value());
}

BOOST_AUTO_TEST_CASE(an_entry_of_the_wrong_type_is_malformed) {
  for (const char* key : {"code", "message", "effect", "retry_after_ms", "final", "details"}) {
    for (const char* wrong : {"c0", "91 01", "cb 3ff8000000000000", "ff"}) {
      BOOST_TEST(!read_error(map_of(key, hex(wrong))).has_value(), key);
    }
  }
  BOOST_TEST(!read_error(map_of("message", hex("a1 ff"))).has_value());
  BOOST_TEST(!read_error(map_of("details", hex("81 a1 61 01"))).has_value());
  BOOST_TEST(!read_error(map_of("details", hex("81 a1 61 a1 ff"))).has_value());
  BOOST_TEST(!read_error(hex("80 00")).has_value());
  BOOST_TEST(!read_error(hex("90")).has_value());
  BOOST_TEST(!read_error("").has_value());
}

BOOST_AUTO_TEST_CASE(a_list_of_details_that_is_not_there_is_not_believed) {
  exactly(map_of("details", hex("df ff ff ff ff")), [](std::string_view bytes) {
    BOOST_TEST(!read_error(bytes).has_value());
  });
}

// Added to a time in nanoseconds, 2^63 milliseconds would overflow.
BOOST_AUTO_TEST_CASE(a_time_to_wait_stays_in_bounds) {
  const auto longest = read_error(map_of("retry_after_ms", hex("cf ffffffffffffffff")));

  BOOST_REQUIRE((longest && longest->retry_after));
  BOOST_TEST(longest->retry_after->count() == std::numeric_limits<std::uint32_t>::max());
  BOOST_TEST(
      there_and_back({.message = {}, .retry_after = milliseconds{-5}}).retry_after->count() == 0);
}

// A message of 20 KiB made a header that every receiver refused: the caller heard nothing.
BOOST_AUTO_TEST_CASE(an_error_header_is_never_too_long_to_be_read) {
  error sent{.code = errc::rejected, .message = std::string(20'000, 'm')};
  for (int i = 0; i < 1000; ++i) {
    sent.details.emplace_back("key" + std::to_string(i), std::string(i == 0 ? 5000 : 50, 'd'));
  }
  std::string bytes;

  append_error_header(bytes, call_id(), sent);

  BOOST_TEST(bytes.size() < header_bytes_max);
  const auto header = scan_header(bytes);
  BOOST_REQUIRE(header.has_value());
  const auto got = read_error(header->error);
  BOOST_REQUIRE(got.has_value());
  BOOST_TEST(got->message == std::string(message_bytes_max, 'm'));
  BOOST_REQUIRE(!got->details.empty());
  BOOST_TEST(got->detail("key0") == std::string(detail_bytes_max, 'd'));
  BOOST_TEST(got->detail("key1") == std::string(50, 'd'));
}

BOOST_AUTO_TEST_CASE(a_long_message_is_cut_between_characters) {
  std::string message(message_bytes_max - 1, 'm');
  message += "\xf0\x9f\x98\x80 and more";

  const error got = there_and_back({.message = message});

  BOOST_TEST(got.message == std::string(message_bytes_max - 1, 'm'));
}

// Messages of foreign libraries may quote what they choked on.
// It may have to be written down, and not every database keeps a NUL in a text.
BOOST_AUTO_TEST_CASE(a_message_with_a_nul_arrives_without_it) {
  BOOST_TEST(
      there_and_back({.code = errc::crashed, .message = std::string{"a\0b", 3}}).message == "a?b");
}

BOOST_AUTO_TEST_CASE(a_message_that_is_not_utf8_still_arrives) {
  const error got = there_and_back({.message = "bad byte \xff", .details = {{"k\x80", "\xc3("}}});

  BOOST_TEST(got.message == "bad byte ?");
  BOOST_TEST(got.detail("k?") == "?(");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::wire

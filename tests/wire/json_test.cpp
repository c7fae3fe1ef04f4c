#include "runtime/wire/json.hpp"

#include "runtime/wire/check.hpp"
#include "runtime/wire/reader.hpp"
#include "tests/wire/bytes.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::wire {

namespace {

std::string shown(const char* digits) {
  return to_json(hex(digits)).value();
}

std::string packed(std::string_view json) {
  const auto bytes = from_json(json);
  return bytes ? to_hex(*bytes) : "refused: " + bytes.error().message;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_wire_json, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(values_are_shown_as_json) {
  BOOST_TEST(shown("c0") == "null");
  BOOST_TEST(shown("c3") == "true");
  BOOST_TEST(shown("d1 ff00") == "-256");
  BOOST_TEST(shown("cf ffffffffffffffff") == "18446744073709551615");
  BOOST_TEST(shown("cb 3fe0000000000000") == "0.5");
  BOOST_TEST(shown("a3 22 61 0a") == R"("\"a\n")");
  BOOST_TEST(shown("93 01 90 80") == "[1,[],{}]");
  BOOST_TEST(shown("82 a1 62 01 a1 61 02") == R"({"b":1,"a":2})");
}

BOOST_AUTO_TEST_CASE(binary_is_shown_as_an_id_or_in_hexadecimal) {
  BOOST_TEST(
      shown("c4 10 018f3c1e7a2b7c3d8e4f5061728394a5")
      == R"("018f3c1e-7a2b-7c3d-8e4f-5061728394a5")");
  BOOST_TEST(shown("c4 03 00 ab ff") == R"("00abff")");
  BOOST_TEST(shown("c4 00") == R"("")");
}

BOOST_AUTO_TEST_CASE(what_json_cannot_say_is_shown_somehow) {
  BOOST_TEST(shown("d4 05 0a") == R"("extension 5: 0a")");
  BOOST_TEST(shown("cb 7ff8000000000000") == R"("NaN")");
  BOOST_TEST(shown("cb 7ff0000000000000") == R"("Infinity")");
  BOOST_TEST(shown("ca ff800000") == R"("-Infinity")");
  BOOST_TEST(shown("81 01 02") == R"({"1":2})");
  BOOST_TEST(shown("81 c0 02") == R"({"null":2})");
  BOOST_TEST(shown("82 a1 61 01 a1 61 02") == R"({"a":1,"a":2})");
  BOOST_TEST(shown("a1 ff") == "\"\xef\xbf\xbd\"");
}

// The values are those of msgpack-python's `packb(..., datetime=True)` and of the specification.
BOOST_AUTO_TEST_CASE(timestamps_are_shown_as_times) {
  BOOST_TEST(shown("d6 ff 6955b900") == R"("2026-01-01T00:00:00Z")");
  BOOST_TEST(shown("d7 ff 77359400 6955b900") == R"("2026-01-01T00:00:00.5Z")");
  BOOST_TEST(shown("c7 0c ff 00000001 0000000000000000") == R"("1970-01-01T00:00:00.000000001Z")");
  // Before 1970, beyond what a time can be, and no timestamp at all: as they are.
  BOOST_TEST(
      shown("c7 0c ff 00000000 ffffffffffffffff") == R"("extension -1: 00000000ffffffffffffffff")");
  BOOST_TEST(
      shown("c7 0c ff 00000000 0000007fffffffff") == R"("extension -1: 000000000000007fffffffff")");
  BOOST_TEST(shown("d7 ff ffffffff 00000000") == R"("extension -1: ffffffff00000000")");
  BOOST_TEST(shown("d4 ff 01") == R"("extension -1: 01")");
}

BOOST_AUTO_TEST_CASE(a_body_is_shown_whatever_it_is) {
  BOOST_TEST(json_of("") == "null");
  BOOST_TEST(json_of(hex("01")) == "1");
  BOOST_TEST(json_of("{}") == R"({"$not_messagepack":"7b7d"})");
}

// A key that is a list of bad text once threw out of to_json.
BOOST_AUTO_TEST_CASE(a_key_of_any_kind_is_shown) {
  BOOST_TEST(shown("81 91 a1 ff 01") == "{\"[\\\"\xef\xbf\xbd\\\"]\":1}");
  BOOST_TEST(shown("81 a1 ff 01") == "{\"\xef\xbf\xbd\":1}");
}

BOOST_AUTO_TEST_CASE(it_can_be_shown_on_many_lines) {
  BOOST_TEST(to_json(hex("81 a1 61 91 01"), true).value() == "{\n  \"a\": [\n    1\n  ]\n}");
}

BOOST_AUTO_TEST_CASE(what_does_not_pass_the_check_is_not_shown) {
  BOOST_TEST(!to_json("").has_value());
  BOOST_TEST(!to_json(hex("dd ff ff ff ff")).has_value());
  BOOST_TEST(!to_json(repeated("\x91", 100'000)).has_value());
}

BOOST_AUTO_TEST_CASE(json_is_packed) {
  BOOST_TEST(packed("null") == "c0");
  BOOST_TEST(packed("false") == "c2");
  BOOST_TEST(packed("-1") == "ff");
  BOOST_TEST(packed("18446744073709551615") == "cfffffffffffffffff");
  BOOST_TEST(packed("1.0") == "cb3ff0000000000000");
  BOOST_TEST(packed("\"\xc3\xa9\"") == "a2c3a9");
  BOOST_TEST(packed(R"([1,"a",{}])") == "9301a16180");
  BOOST_TEST(
      packed(R"({"b":[1,{"d":2}],"a":[]})")
      == "82a16190a1629201"
         "81a16402");
}

BOOST_AUTO_TEST_CASE(whole_numbers_are_kept_or_refused) {
  BOOST_TEST(packed("-9223372036854775808") == "d38000000000000000");
  BOOST_TEST(
      packed("18446744073709551616")
      == "refused: JSON that cannot be sent: 18446744073709551616 does not fit in 64 bits; write "
         "it "
         "as text");
  for (const char* large : {"-9223372036854775809", "[1,100000000000000000000000001]"}) {
    BOOST_TEST(packed(large).ends_with("does not fit in 64 bits; write it as text"), large);
  }
}

BOOST_AUTO_TEST_CASE(a_key_that_stands_twice_is_refused) {
  const std::string why =
      "refused: JSON that cannot be sent: the key \"a\" stands twice in one object";
  BOOST_TEST(packed(R"({"a":1,"a":2})") == why);
  BOOST_TEST(packed(R"([{"a":1,"b":{"a":2}},{"a":1,"b":2,"\u0061":{}}])") == why);
}

// One body, one digest: a retry whose JSON was written in another order is the same request.
BOOST_AUTO_TEST_CASE(the_order_of_keys_does_not_matter) {
  BOOST_TEST(packed(R"({"b":1,"a":{"d":2,"c":3}})") == packed(R"({"a":{"c":3,"d":2},"b":1})"));
}

BOOST_AUTO_TEST_CASE(bad_json_is_refused) {
  for (const char* bad :
       {"", "{", "[1,]", "nul", "1 2", "\"\xff\"", "1e999", "{\"a\"}", "'a'", "\"\\ud800\""}) {
    BOOST_TEST(packed(bad).starts_with("refused: not JSON: "), bad);
  }
}

// Half a million brackets took the stack down.
BOOST_AUTO_TEST_CASE(json_nested_too_deeply_is_refused) {
  const auto nested = [](std::size_t depth) { return repeated("[", depth) + repeated("]", depth); };

  BOOST_TEST(packed(nested(16)) == repeated("91", 15) + "90");
  BOOST_TEST(
      packed(nested(17))
      == "refused: JSON that cannot be sent: nested too deeply (16 levels at most)");
  BOOST_TEST(
      packed(nested(500'000))
      == "refused: JSON that cannot be sent: nested too deeply (16 levels at most)");
  BOOST_TEST(packed(repeated("{\"a\":", 17) + "1" + repeated("}", 17)).starts_with("refused"));
}

BOOST_AUTO_TEST_CASE(what_other_readers_would_take_for_something_else_is_refused) {
  BOOST_TEST(
      packed("\xef\xbb\xbf{}").starts_with("refused: not JSON: it begins with a byte order"));
  BOOST_TEST(packed(std::string{"{}\0{}", 5}) == "refused: not JSON: byte 3 is a zero");
}

// Looking through all earlier keys at each key made this take minutes.
BOOST_AUTO_TEST_CASE(a_hundred_thousand_keys_are_no_burden) {
  std::string json = "{";
  for (int i = 0; i < 100'000; ++i) {
    json += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  }
  json += "}";

  const auto bytes = from_json(json);

  BOOST_REQUIRE(bytes.has_value());
  BOOST_TEST(to_json(*bytes).value().size() == json.size());
}

BOOST_AUTO_TEST_CASE(a_value_survives_both_ways) {
  const std::string json = R"({"a":[1,-2,0.5,true,null,"x"],"b":{"c":{}}})";

  BOOST_TEST(to_json(from_json(json).value()).value() == json);
  BOOST_TEST(check(from_json(json).value()).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::wire

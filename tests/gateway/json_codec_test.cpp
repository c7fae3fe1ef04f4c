#include "runtime/gateway/json_codec.hpp"

#include "runtime/base64.hpp"
#include "runtime/wire/json.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>

namespace utf = boost::unit_test;

namespace troupe::gateway {

namespace samples {

enum class colour : std::uint8_t { red, green };

TROUPE_WORDS(colour, red, green)

struct line {
  std::string sku;
  std::int64_t quantity = 0;
};

TROUPE_MESSAGE(line, sku, quantity)

struct sample {
  uuid id;
  std::vector<line> lines;
  std::map<std::string, std::vector<std::uint8_t>> digits;
  double weight = 0;
  std::uint64_t large = 0;
  wire::binary_value bytes;
  std::chrono::milliseconds age{};
  colour shade = colour::red;
  bool good = false;
  std::optional<std::string> note;
  wire::raw_value rest;
};

TROUPE_MESSAGE(sample, id, lines, digits, weight, large, bytes, age, shade, good, note, rest)

struct small {
  std::int8_t n = 0;
  std::optional<double> x;
};

TROUPE_MESSAGE(small, n, x)

struct table {
  std::map<std::string, std::vector<std::uint8_t>> digits;
};

TROUPE_MESSAGE(table, digits)

} // namespace samples

namespace {

template <wire::message T>
types types_of() {
  wire::schema_book book;
  (void)book.add(wire::message_shape_of<T>());
  return book.take();
}

/// Why `json` is no `small`: the pointer, and whether the message has `what`.
std::string refusal_of(std::string_view json, std::string_view what = "") {
  const auto read = from_json(json, types_of<samples::small>(), "small");
  BOOST_REQUIRE_MESSAGE(!read.has_value(), json);
  BOOST_TEST((read.error().code == errc::invalid));
  BOOST_TEST(read.error().message.find(what) != std::string::npos, read.error().message);
  return std::string{read.error().detail("pointer")};
}

constexpr std::string_view whole =
    R"({"id":"018f3c1e-7a2b-7c3d-8e4f-5061728394a5","lines":[{"sku":"tea","quantity":-2}],)"
    R"("digits":{"a":[1,255],"b":[]},"weight":0.5,"large":18446744073709551615,"bytes":"AP8=",)"
    R"("age":-5,"shade":"green","good":true,"note":"n\u00e9","rest":{"any":[1,null]}})";

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_gateway_json_codec, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_message_goes_there_and_back) {
  const auto all = types_of<samples::sample>();

  const auto bytes = from_json(whole, all, "sample");

  BOOST_REQUIRE_MESSAGE(bytes, (bytes ? "" : bytes.error().message));
  const auto read = wire::checked_decode<samples::sample>(*bytes);
  BOOST_REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
  BOOST_TEST(wire::encoded(*read) == *bytes);
  BOOST_TEST(read->large == std::numeric_limits<std::uint64_t>::max());
  BOOST_TEST(read->lines.at(0).quantity == -2);
  BOOST_TEST((read->bytes.bytes == std::string{"\0\xff", 2}));
  BOOST_TEST((read->shade == samples::colour::green));
  const auto back = to_json(*bytes, all, "sample");
  BOOST_REQUIRE_MESSAGE(back, (back ? "" : back.error().message));
  BOOST_TEST(from_json(*back, all, "sample").value_or("") == *bytes);
  BOOST_TEST(back->find(R"("large":18446744073709551615,"bytes":"AP8=")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_same_values_have_the_same_bytes) {
  const auto all = types_of<samples::small>();

  const auto one = from_json(R"({"n":1,"x":null})", all, "small");

  BOOST_REQUIRE(one.has_value());
  BOOST_TEST(from_json(" {\n\"n\" : 1 } ", all, "small").value_or("") == *one);
  BOOST_TEST(
      from_json(R"({"x":2,"n":1})", all, "small").value_or("")
      == from_json(R"({"n":1,"x":2.0})", all, "small").value_or("-"));
}

BOOST_AUTO_TEST_CASE(what_is_in_doubt_is_refused_where_it_stands) {
  BOOST_TEST(refusal_of(R"({"n":1,"n":1})", "twice") == "/n");
  BOOST_TEST(refusal_of(R"({"n":1,"m":1})", "no such field") == "/m");
  BOOST_TEST(refusal_of(R"({"x":1})", "missing") == "/n");
  BOOST_TEST(refusal_of(R"({"n":null})", "integer") == "/n");
  BOOST_TEST(refusal_of(R"({"n":1.0})", "whole number") == "/n");
  BOOST_TEST(refusal_of(R"({"n":1e1})", "whole number") == "/n");
  BOOST_TEST(refusal_of(R"({"n":128})", "-128 to 127") == "/n");
  BOOST_TEST(refusal_of(R"({"n":-129})", "-128 to 127") == "/n");
  BOOST_TEST(refusal_of(R"({"n":18446744073709551616})", "64 bits") == "/n");
  BOOST_TEST(refusal_of(R"({"n":-9223372036854775809})", "64 bits") == "/n");
  BOOST_TEST(refusal_of(R"({"n":1,"x":9007199254740993})", "2^53") == "/x");
  BOOST_TEST(refusal_of(R"({"n":1,"x":1e999})", "the number is too large") == "/x");
  BOOST_TEST(refusal_of(R"({"n":1,"x":-1e400})", "the number is too large") == "/x");
  BOOST_TEST(refusal_of(R"({"n":"1"})", "integer") == "/n");
  BOOST_TEST(refusal_of(R"([1])", "object") == "");
  BOOST_TEST(refusal_of("{\"n\":1,\"\xff\":1}", "UTF-8") == "");
  BOOST_TEST(refusal_of(R"({"n":1} 2)", "no JSON") == "");
  BOOST_TEST(refusal_of("", "no JSON") == "");
  BOOST_TEST(refusal_of("\xef\xbb\xbf{\"n\":1}", "byte order mark") == "");
  BOOST_TEST(refusal_of(std::string{"{\"n\":1}\0{\"n\":2}", 15}, "byte 8 is a zero") == "");
  BOOST_TEST(refusal_of(std::string{"{\"n\":1}\0", 8}, "a zero") == "");
  BOOST_TEST(refusal_of(std::string{"\0{\"n\":1}", 8}, "byte 1") == "");
  BOOST_TEST(refusal_of(R"({"a/b~":{"x":1,"x":1}})", "twice") == "/a~1b~0/x");
  BOOST_TEST(refusal_of(std::string(40, '[')) == "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0");
}

BOOST_AUTO_TEST_CASE(each_prefix_of_a_message_is_refused) {
  const auto all = types_of<samples::sample>();
  const std::string bytes = from_json(whole, all, "sample").value_or("");

  for (std::size_t size = 0; size < whole.size(); ++size) {
    BOOST_TEST(!from_json(whole.substr(0, size), all, "sample").has_value());
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto read = to_json(std::string_view{bytes}.substr(0, size), all, "sample");
    BOOST_REQUIRE(!read.has_value());
    BOOST_TEST((read.error().code == errc::internal));
  }
}

BOOST_AUTO_TEST_CASE(an_answer_of_a_newer_program_is_read_by_what_is_known_of_it) {
  const std::string newer = wire::from_json(R"({"n":1,"colour":"red","x":null})").value_or("");

  const auto read = to_json(newer, types_of<samples::small>(), "small");

  BOOST_TEST(read.value_or("") == R"({"n":1})");
}

// A copy of the key for each value would be 100 GB of copies for this megabyte.
BOOST_AUTO_TEST_CASE(a_long_key_costs_nothing_for_each_value_below_it) {
  const std::string key(500'000, 'k');
  std::string numbers;
  std::string lists;
  for (int i = 0; i < 200'000; ++i) {
    numbers += "1,";
    lists += "[],";
  }
  const std::string start = R"({"digits":{")" + key + R"(":[)";

  const auto wrong = from_json(start + numbers + "-1]}}", types_of<samples::table>(), "table");
  const auto deep = from_json(start + lists + "01", types_of<samples::table>(), "table");

  BOOST_REQUIRE(!wrong.has_value());
  BOOST_CHECK(wrong.error().detail("pointer") == "/digits/" + key + "/200000");
  BOOST_TEST(!deep.has_value());
}

BOOST_AUTO_TEST_CASE(base64_has_one_form) {
  for (const std::string_view bytes : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    BOOST_TEST(from_base64(to_base64(bytes)).value_or("-") == bytes);
  }
  BOOST_TEST(to_base64("foobar") == "Zm9vYmFy"); // RFC 4648, 10.
  BOOST_TEST(to_base64("f") == "Zg==");
  for (const std::string_view bad :
       {"Zg", "Zg=", "Zh==", "Zg==Zg==", "Z===", "====", "Z g=", "Zm9-"}) {
    BOOST_TEST(!from_base64(bad).has_value(), bad);
  }
}

BOOST_AUTO_TEST_CASE(values_of_a_path_are_read_by_their_type) {
  using wire::form;
  BOOST_TEST(json_of_text("a\"b", {.is = form::text}).value_or("") == R"("a\"b")");
  BOOST_TEST(json_of_text("12", {.is = form::int64}).value_or("") == "12");
  BOOST_TEST(json_of_text("true", {.is = form::boolean}).value_or("") == "true");
  BOOST_TEST(!json_of_text("1,2", {.is = form::int64}).has_value());
  BOOST_TEST(!json_of_text("{}", {.is = form::int64}).has_value());
  BOOST_TEST(!json_of_text("", {.is = form::int64}).has_value());
  BOOST_TEST(!json_of_text("1", {.within = {form::list}, .is = form::int64}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway

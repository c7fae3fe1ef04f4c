#include "runtime/wire/schema.hpp"

#include "runtime/wire/description.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

namespace utf = boost::unit_test;

namespace troupe::wire {

namespace shapes {

enum class colour : std::uint8_t { red, green };

TROUPE_WORDS(colour, red, green)

struct leaf {
  std::uint8_t veins = 0;
};

TROUPE_MESSAGE(leaf, veins)

/// Contains itself.
struct branch {
  std::vector<branch> branches;
  std::map<std::string, std::vector<leaf>> leaves;
  std::optional<colour> shade;
  std::chrono::milliseconds age{};
  binary_value picture;
  raw_value note;
  uuid id;
  bool alive = true;
  double height = 0;
  std::int32_t birds = 0;
};

TROUPE_MESSAGE(branch, branches, leaves, shade, age, picture, note, id, alive, height, birds)

struct nothing {};

TROUPE_MESSAGE(nothing)

struct paint {
  colour shade = colour::green;
};

TROUPE_MESSAGE(paint, shade)

} // namespace shapes

namespace other {

struct leaf {
  std::string of;
};

TROUPE_MESSAGE(leaf, of)

} // namespace other

namespace {

std::string text_of(const message_schema& type) {
  std::string text = type.name + ":";
  for (const field_schema& each : type.fields) {
    std::string within;
    for (const form outer : each.type.within) {
      within += fmt::format("{} of ", word_of(outer));
    }
    text += fmt::format(
        " {}{} {}{}{}",
        each.name,
        each.optional ? "?" : "",
        within,
        each.type.message.value_or(std::string{word_of(each.type.is)}),
        each.type.words.empty() ? "" : fmt::format("({})", fmt::join(each.type.words, "|")));
  }
  return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_wire_schema, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_type_is_described_with_all_it_contains) {
  schema_book book;

  BOOST_TEST(book.add(message_shape_of<shapes::branch>()) == "branch");
  BOOST_TEST(book.add(message_shape_of<shapes::nothing>()) == "nothing");
  BOOST_TEST(book.add(message_shape_of<shapes::branch>()) == "branch");
  const auto types = book.take();

  BOOST_REQUIRE(types.size() == 3U);
  BOOST_TEST(
      text_of(types[0])
      == "branch: branches list of branch leaves map of list of leaf shade? words(red|green) age "
         "duration picture bytes note any id id alive boolean height number birds int32");
  BOOST_TEST(text_of(types[1]) == "leaf: veins uint8");
  BOOST_TEST(text_of(types[2]) == "nothing:");
}

BOOST_AUTO_TEST_CASE(two_types_of_one_name_are_told_apart) {
  schema_book book;

  BOOST_TEST(book.add(message_shape_of<shapes::leaf>()) == "leaf");
  BOOST_TEST(book.add(message_shape_of<other::leaf>()) == "leaf_2");
}

BOOST_AUTO_TEST_CASE(the_range_of_an_integer_is_that_of_its_type) {
  const auto of_int8 = range_of(form::int8);
  const auto of_uint64 = range_of(form::uint64);

  BOOST_REQUIRE(of_int8.has_value());
  BOOST_TEST(of_int8->least == -128);
  BOOST_TEST(of_int8->most == 127U);
  BOOST_REQUIRE(of_uint64.has_value());
  BOOST_TEST(of_uint64->least == 0);
  BOOST_TEST(of_uint64->most == std::numeric_limits<std::uint64_t>::max());
  BOOST_TEST(range_of(form::duration).has_value());
  BOOST_TEST(!range_of(form::number).has_value());
}

BOOST_AUTO_TEST_CASE(an_enumeration_travels_as_its_words) {
  const auto read = checked_decode<shapes::paint>(encoded(shapes::paint{shapes::colour::red}));
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST((read->shade == shapes::colour::red));

  const auto unknown = checked_decode<shapes::paint>("\x81\xa5shade\xa4"
                                                     "blue");
  BOOST_REQUIRE(!unknown.has_value());
  BOOST_TEST(unknown.error().message.find("`shade`") != std::string::npos);
  BOOST_TEST(unknown.error().message.find("red, green") != std::string::npos);
}

// A description is a message like any other: how deep types nest does not matter for it.
BOOST_AUTO_TEST_CASE(a_description_survives_the_wire) {
  schema_book book;
  (void)book.add(message_shape_of<node_description>());
  const node_description sent{
      .node = "n1",
      .capabilities = {
          {.capability = "trees",
           .subscribes = {"rain.*"},
           .type = {
               .actor = "trees",
               .operations = {{"grow", operation_kind::command, "branch", {}}},
               .handles = {{"rain.*", "nothing"}},
               .publishes = {},
               .types = book.take()}}}};

  const auto got = checked_decode<node_description>(encoded(sent));

  BOOST_REQUIRE(got.has_value());
  BOOST_TEST(encoded(*got) == encoded(sent));
  BOOST_TEST((got->capabilities[0].type.find("grow")->kind == operation_kind::command));
  BOOST_TEST((got->capabilities[0].type.types == sent.capabilities[0].type.types));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::wire

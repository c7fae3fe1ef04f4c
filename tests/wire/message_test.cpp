#include "runtime/wire/message.hpp"

#include "runtime/wire/json.hpp"
#include "tests/wire/bytes.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>

namespace utf = boost::unit_test;

namespace troupe::wire::sample {

struct item {
  std::string sku;
  std::uint32_t count = 0;

  bool operator==(const item&) const = default;
};

TROUPE_MESSAGE(item, sku, count)

struct order {
  uuid id;
  std::vector<item> items;
  std::optional<std::string> note;
  std::map<std::string, std::int64_t> prices;
  std::chrono::milliseconds within{};
  double weight = 0;
  bool gift = false;

  bool operator==(const order&) const = default;
};

TROUPE_MESSAGE(order, id, items, note, prices, within, weight, gift)

struct widths {
  std::int8_t i8 = 0;
  std::uint8_t u8 = 0;
  std::int16_t i16 = 0;
  std::uint16_t u16 = 0;
  std::int32_t i32 = 0;
  std::uint32_t u32 = 0;
  std::int64_t i64 = 0;
  std::uint64_t u64 = 0;

  bool operator==(const widths&) const = default;
};

TROUPE_MESSAGE(widths, i8, u8, i16, u16, i32, u32, i64, u64)

struct parcel {
  binary_value content;
  std::optional<binary_value> label;

  bool operator==(const parcel&) const = default;
};

TROUPE_MESSAGE(parcel, content, label)

/// Each container in each other one.
struct nest {
  std::optional<std::vector<item>> maybe_list;
  std::optional<std::map<std::string, item>> maybe_map;
  std::vector<std::map<std::string, std::vector<std::int32_t>>> maps;
  std::vector<std::optional<item>> gaps;
  std::map<std::string, std::optional<std::vector<std::vector<uuid>>>> deep;

  bool operator==(const nest&) const = default;
};

TROUPE_MESSAGE(nest, maybe_list, maybe_map, maps, gaps, deep)

struct tree {
  std::string name;
  std::vector<tree> children;

  bool operator==(const tree&) const = default;
};

TROUPE_MESSAGE(tree, name, children)

struct nothing {
  bool operator==(const nothing&) const = default;
};

TROUPE_MESSAGE(nothing)

struct wide {
  std::int32_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11,
               l = 12, m = 13, n = 14, o = 15, p = 16, q = 17, r = 18, s = 19, t = 20, u = 21,
               v = 22, w = 23, x = 24;

  bool operator==(const wide&) const = default;
};

TROUPE_MESSAGE(wide, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x)

enum class colour : std::uint8_t { red, green };

TROUPE_WORDS(colour, red, green)

struct painted {
  sample::colour colour{};
};

TROUPE_MESSAGE(painted, colour)

struct wrapping {
  std::string label;
  raw_value content;
  std::vector<raw_value> more;

  bool operator==(const wrapping&) const = default;
};

TROUPE_MESSAGE(wrapping, label, content, more)

} // namespace troupe::wire::sample

namespace troupe::wire {

namespace {

sample::order good_order() {
  return {
      .id = call_id(),
      .items = {{"tea", 2}, {"milk", 1}},
      .note = "ring twice",
      .prices = {{"milk", 99}, {"tea", -1}},
      .within = std::chrono::milliseconds{1500},
      .weight = 0.25,
      .gift = true};
}

std::string from(std::string_view json) {
  return from_json(json).value();
}

template <class T>
std::string fault_of(std::string_view bytes) {
  std::string fault;
  exactly(bytes, [&](std::string_view block) {
    const auto decoded = checked_decode<T>(block);
    fault = decoded ? "none" : decoded.error().message;
    BOOST_TEST((decoded || decoded.error().code == errc::invalid));
  });
  return fault;
}

template <class T>
bool survives(const T& sent) {
  const auto got = checked_decode<T>(encoded(sent));
  return got && *got == sent;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_wire_message, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_value_of_any_kind_is_passed_on_as_it_is) {
  const sample::wrapping sent{
      "fragile", {encoded(good_order())}, {{encoded(sample::item{"tea", 2})}, {}}};

  BOOST_TEST(survives(sent));
  BOOST_TEST(
      to_json(encoded(sample::wrapping{"x", {encoded(sample::item{"tea", 2})}, {{}}})).value()
      == R"({"label":"x","content":{"sku":"tea","count":2},"more":[null]})");
  BOOST_TEST(
      checked_decode<sample::item>(checked_decode<sample::wrapping>(encoded(sent))->more[0].bytes)
          ->sku
      == "tea");
}

BOOST_AUTO_TEST_CASE(a_message_is_read_as_it_was_written) {
  sample::order no_note = good_order();
  no_note.note.reset();

  BOOST_TEST(survives(good_order()));
  BOOST_TEST(survives(no_note));
  BOOST_TEST(survives(sample::order{}));
  BOOST_TEST(survives(sample::nothing{}));
  BOOST_TEST(survives(sample::tree{"root", {{"left", {}}, {"right", {{"leaf", {}}}}}}));
}

BOOST_AUTO_TEST_CASE(containers_nest_in_any_order) {
  const sample::nest sent{
      .maybe_list = std::vector<sample::item>{{"tea", 1}},
      .maybe_map = std::map<std::string, sample::item>{{"a", {"milk", 2}}},
      .maps = {{{"x", {1, -2}}}, {}},
      .gaps = {std::nullopt, sample::item{"jam", 3}},
      .deep = {{"none", std::nullopt}, {"some", {{{call_id()}, {}}}}}};

  BOOST_TEST(survives(sent));
  BOOST_TEST(survives(sample::nest{}));
}

BOOST_AUTO_TEST_CASE(a_message_may_have_twenty_four_fields) {
  sample::wide sent;
  sent.a = -1;
  sent.x = 1'000'000;

  BOOST_TEST(survives(sent));
  BOOST_TEST(fault_of<sample::wide>(from(R"({"a":1})")) == "field `b`: the field is missing");
}

BOOST_AUTO_TEST_CASE(fields_travel_under_their_names) {
  BOOST_TEST(to_json(encoded(sample::item{"tea", 2})).value() == R"({"sku":"tea","count":2})");
}

BOOST_AUTO_TEST_CASE(each_width_holds_its_extremes) {
  const sample::widths lowest{
      .i8 = -128,
      .i16 = -32768,
      .i32 = std::numeric_limits<std::int32_t>::min(),
      .i64 = std::numeric_limits<std::int64_t>::min()};
  const sample::widths highest{
      .i8 = 127,
      .u8 = 255,
      .i16 = 32767,
      .u16 = 65535,
      .i32 = std::numeric_limits<std::int32_t>::max(),
      .u32 = std::numeric_limits<std::uint32_t>::max(),
      .i64 = std::numeric_limits<std::int64_t>::max(),
      .u64 = std::numeric_limits<std::uint64_t>::max()};

  BOOST_TEST(survives(lowest));
  BOOST_TEST(survives(highest));
}

BOOST_AUTO_TEST_CASE(an_integer_beyond_its_width_is_refused) {
  for (const auto& [json, fault] : std::map<std::string, std::string>{
           {R"({"i8":128})", "field `i8`: the integer is out of range"},
           {R"({"i8":-129})", "field `i8`: the integer is out of range"},
           {R"({"u8":256})", "field `u8`: the integer is out of range"},
           {R"({"i16":32768})", "field `i16`: the integer is out of range"},
           {R"({"u16":65536})", "field `u16`: the integer is out of range"},
           {R"({"i32":2147483648})", "field `i32`: the integer is out of range"},
           {R"({"u32":4294967296})", "field `u32`: the integer is out of range"},
           {R"({"i64":9223372036854775808})", "field `i64`: the integer is out of range"},
           {R"({"u8":-1})", "field `u8`: the integer is out of range"},
           {R"({"u64":-1})", "field `u64`: the integer is out of range"},
           {R"({"u64":1.5})", "field `u64`: expected an integer, got a number"},
           {R"({"i8":1.0})", "field `i8`: expected an integer, got a number"}}) {
    BOOST_TEST(fault_of<sample::widths>(from(json)) == fault);
  }
}

BOOST_AUTO_TEST_CASE(a_missing_field_is_named_and_an_optional_one_is_not_missed) {
  for (const std::string_view key : {"id", "items", "prices", "within", "weight", "gift"}) {
    std::string bytes;
    writer to{bytes};
    const std::string all = encoded(good_order());
    reader whole{all};
    std::uint32_t entries = 0;
    BOOST_REQUIRE(whole.read_map(entries));
    to.map(entries - 1);
    for (; entries > 0; --entries) {
      std::string_view name;
      std::string_view value;
      BOOST_REQUIRE(whole.read_text(name));
      BOOST_REQUIRE(whole.read_raw(value));
      if (name != key) {
        to.text(name);
        to.raw(value);
      }
    }

    BOOST_TEST(
        fault_of<sample::order>(bytes) == "field `" + std::string{key} + "`: the field is missing");
  }
  BOOST_TEST(fault_of<sample::nest>(from(R"({"maps":[],"gaps":[],"deep":{}})")) == "none");
}

BOOST_AUTO_TEST_CASE(a_fault_is_told_with_its_path) {
  const auto order_with = [](std::string_view items) {
    return from(
        R"({"id":"018f3c1e-7a2b-7c3d-8e4f-5061728394a5","prices":{},"within":1,"weight":1,)"
        R"("gift":false,"items":)"
        + std::string{items} + "}");
  };

  BOOST_TEST(fault_of<sample::order>(order_with(R"([{"sku":"a","count":1}])")) == "none");
  BOOST_TEST(
      fault_of<sample::order>(
          order_with(R"([{"sku":"a","count":1},{"sku":"b","count":1},{"sku":7,"count":1}])"))
      == "field `items[2].sku`: expected text, got an integer");
  BOOST_TEST(
      fault_of<sample::order>(order_with(R"([{"sku":"a"}])"))
      == "field `items[0].count`: the field is missing");
  BOOST_TEST(
      fault_of<sample::order>(order_with(R"([5])"))
      == "field `items[0]`: expected a map, got an integer");
  BOOST_TEST(
      fault_of<sample::order>(order_with(R"("none")"))
      == "field `items`: expected an array, got text");
  BOOST_TEST(
      fault_of<sample::nest>(from(R"({"maps":[{"x":[1]},{"y":[1,"two"]}],"gaps":[],"deep":{}})"))
      == "field `maps[1].y[1]`: expected an integer, got text");
  BOOST_TEST(
      fault_of<sample::nest>(from(R"({"maps":[],"gaps":[],"deep":{"k":[["no id"]]}})"))
      == "field `deep.k[0][0]`: expected a UUID: 16 bytes, or text of 36 characters");
  BOOST_TEST(
      fault_of<sample::tree>(
          from(R"({"name":"r","children":[{"name":"c","children":[{"name":1}]}]})"))
      == "field `children[0].children[0].name`: expected text, got an integer");
}

BOOST_AUTO_TEST_CASE(a_value_of_another_type_is_named) {
  for (const auto& [json, fault] : std::map<std::string, std::string>{
           {R"({"id":5})", "field `id`: expected a UUID: 16 bytes, or text of 36 characters"},
           {R"({"items":{}})", "field `items`: expected an array, got a map"},
           {R"({"note":[]})", "field `note`: expected text, got an array"},
           {R"({"prices":[]})", "field `prices`: expected a map, got an array"},
           {R"({"prices":{"tea":"x"}})", "field `prices.tea`: expected an integer, got text"},
           {R"({"within":null})", "field `within`: expected an integer, got nil"},
           {R"({"weight":"heavy"})", "field `weight`: expected a number, got text"},
           {R"({"gift":0})", "field `gift`: expected a boolean, got an integer"},
           {R"([])", "body: expected a map, got an array"},
           {R"(null)", "body: expected a map, got nil"}}) {
    BOOST_TEST(fault_of<sample::order>(from(json)) == fault);
  }
  BOOST_TEST(fault_of<sample::order>(hex("81 01 02")) == "body: a key is not text");
  BOOST_TEST(
      fault_of<sample::nothing>("") == "the body is empty; one MessagePack value is expected");
}

BOOST_AUTO_TEST_CASE(a_key_that_comes_twice_is_named) {
  BOOST_TEST(
      fault_of<sample::item>(hex("82 a3 736b75 a1 61 a3 736b75 a1 61"))
      == "field `sku`: the key comes twice");
  // "prices": {"a": 1, "a": 2}
  BOOST_TEST(
      fault_of<sample::order>(hex("81 a6 707269636573 82 a1 61 01 a1 61 02"))
      == "field `prices.a`: the key comes twice");
}

BOOST_AUTO_TEST_CASE(unknown_keys_are_passed_over) {
  BOOST_TEST(
      fault_of<sample::item>(from(R"({"new":{"x":[1,2]},"sku":"a","count":1,"z":null})"))
      == "none");
  BOOST_TEST(fault_of<sample::nothing>(from(R"({"new":1})")) == "none");
}

BOOST_AUTO_TEST_CASE(a_uuid_may_be_text) {
  const auto got = checked_decode<sample::order>(
      from(R"({"id":"018F3C1E-7a2b-7c3d-8e4f-5061728394a5","items":[],"prices":{},"within":1,)"
           R"("weight":2,"gift":true})"));

  BOOST_REQUIRE(got.has_value());
  BOOST_TEST((got->id == call_id()));
  BOOST_TEST(got->weight == 2.0);
}

BOOST_AUTO_TEST_CASE(numbers_that_are_none_are_refused) {
  for (const double odd :
       {std::nan(""),
        std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity()}) {
    sample::order sent = good_order();
    sent.weight = odd;
    BOOST_TEST(
        fault_of<sample::order>(encoded(sent)) == "field `weight`: the number is not finite");
  }
}

BOOST_AUTO_TEST_CASE(a_duration_that_would_overflow_is_refused) {
  sample::order sent = good_order();
  sent.within = std::chrono::milliseconds::max();
  BOOST_TEST(
      fault_of<sample::order>(encoded(sent)) == "field `within`: the duration is out of range");
  sent.within = std::chrono::hours{24 * 365 * 290};
  BOOST_TEST(survives(sent));
  sent.within = -sent.within;
  BOOST_TEST(survives(sent));
}

BOOST_AUTO_TEST_CASE(text_that_is_not_utf8_is_refused) {
  BOOST_TEST(
      fault_of<sample::item>(hex("82 a3 736b75 a2 c328 a5 636f756e74 01"))
      == "field `sku`: the text is not UTF-8");
  BOOST_TEST(
      fault_of<sample::order>(hex("81 a6 707269636573 81 a1 ff 01"))
      == "field `prices`: the text is not UTF-8");
}

BOOST_AUTO_TEST_CASE(what_no_reader_takes_is_refused_by_who_writes_it) {
  const auto fault_of_writing = [](const auto& message) {
    const auto written = encoded_readable(message);
    return written ? "none" : std::string{written.error().detail("field")};
  };
  sample::order sent = good_order();
  BOOST_TEST(encoded_readable(sent).value() == encoded(sent));
  sent.note = "caf\xe9";
  BOOST_TEST(fault_of_writing(sent) == "note");
  sent = good_order();
  sent.items[1].sku = "\xff";
  sent.weight = std::nan(""); // It comes later.
  BOOST_TEST(fault_of_writing(sent) == "sku");
  sent = good_order();
  sent.weight = std::numeric_limits<double>::infinity();
  BOOST_TEST(fault_of_writing(sent) == "weight");
  sent = good_order();
  sent.prices = {{"\xff", 1}};
  BOOST_TEST(fault_of_writing(sent) == "prices");
  sent = good_order();
  sent.within = std::chrono::milliseconds::max();
  BOOST_TEST(fault_of_writing(sent) == "within");
  BOOST_TEST(fault_of_writing(sample::painted{sample::colour::red}) == "none");
  BOOST_TEST(fault_of_writing(sample::painted{static_cast<sample::colour>(7)}) == "colour");

  const auto why = encoded_readable(sample::item{"\xff", 1}).error();
  BOOST_TEST((why.code == errc::internal));
  BOOST_TEST((why.possible == effect::none));
  BOOST_TEST(why.detail("reason") == "unreadable");
  BOOST_TEST(
      why.message
      == "nobody could read `item`: field `sku`: the text is not UTF-8; the program has to make "
         "another one");
}

BOOST_AUTO_TEST_CASE(an_answer_that_cannot_be_read_is_no_refusal) {
  const auto read = decode_answer<sample::item>(hex("81 a3 736b75 a1 61"));

  BOOST_REQUIRE(!read);
  BOOST_TEST((read.error().code == errc::internal));
  BOOST_TEST((read.error().possible == effect::unknown));
  BOOST_TEST(read.error().message.find("field `count`: the field is missing") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(bytes_travel_as_binary) {
  const sample::parcel sent{{std::string("\x00\xff\x81", 3)}, std::nullopt};

  BOOST_TEST(to_hex(encoded(sent)) == "82a7636f6e74656e74c40300ff81a56c6162656cc0");
  BOOST_TEST((checked_decode<sample::parcel>(encoded(sent)) == sent));
  BOOST_TEST(
      fault_of<sample::parcel>(hex("81 a7 636f6e74656e74 a1 61"))
      == "field `content`: expected binary, got text");
}

BOOST_AUTO_TEST_CASE(recursion_is_bounded_by_the_check) {
  std::string bytes;
  for (int i = 0; i < 9; ++i) {
    bytes += hex("82 a4 6e616d65 a1 61 a8 6368696c6472656e 91");
  }
  bytes += hex("82 a4 6e616d65 a1 61 a8 6368696c6472656e 90");

  BOOST_TEST(fault_of<sample::tree>(bytes).starts_with("nested too deeply"));
}

BOOST_AUTO_TEST_CASE(no_cut_or_damaged_message_harms) {
  const std::string whole = encoded(good_order());

  each_prefix(whole, [](std::string_view bytes) {
    BOOST_TEST(!checked_decode<sample::order>(bytes).has_value());
  });
  each_flip(whole, [](std::string_view bytes) { (void)checked_decode<sample::order>(bytes); });
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::wire

#include "runtime/wire/reader.hpp"

#include "runtime/wire/check.hpp"
#include "runtime/wire/writer.hpp"
#include "tests/wire/bytes.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

namespace utf = boost::unit_test;

namespace troupe::wire {

namespace {

struct writer_fixture {
  std::string bytes;
  writer to{bytes};
};

bool is_fine(std::string_view bytes) {
  bool fine = false;
  exactly(bytes, [&](std::string_view block) { fine = check(block).has_value(); });
  return fine;
}

std::string fault_of(std::string_view bytes) {
  const auto checked = check(bytes);
  return checked ? "none" : checked.error().message;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_wire_reader, *utf::label("unit") * utf::timeout(30))

BOOST_FIXTURE_TEST_CASE(what_is_written_is_read, writer_fixture) {
  to.nil();
  to.boolean(true);
  to.integer(-5);
  to.unsigned_integer(7);
  to.real(0.5);
  to.text("tea");
  to.binary("\x01\x02");
  to.array(1);
  to.map(2);
  reader from{bytes};

  bool flag = false;
  std::int64_t whole = 0;
  std::uint64_t natural = 0;
  double real = 0;
  std::string_view text;
  std::string_view binary;
  std::uint32_t elements = 0;
  std::uint32_t entries = 0;
  BOOST_REQUIRE(from.read_nil());
  BOOST_REQUIRE(from.read(flag));
  BOOST_REQUIRE(from.read(whole));
  BOOST_REQUIRE(from.read(natural));
  BOOST_REQUIRE(from.read(real));
  BOOST_REQUIRE(from.read_text(text));
  BOOST_REQUIRE(from.read_binary(binary));
  BOOST_REQUIRE(from.read_array(elements));
  BOOST_REQUIRE(from.read_map(entries));

  BOOST_TEST(flag);
  BOOST_TEST(whole == -5);
  BOOST_TEST(natural == 7U);
  BOOST_TEST(real == 0.5);
  BOOST_TEST(text == "tea");
  BOOST_TEST(binary == "\x01\x02");
  BOOST_TEST(elements == 1U);
  BOOST_TEST(entries == 2U);
  BOOST_TEST(from.at_end());
}

BOOST_AUTO_TEST_CASE(integers_at_the_edges_of_each_width_are_read) {
  for (const int width : {5, 7, 8, 15, 16, 31, 32, 62}) {
    const std::int64_t edge = std::int64_t{1} << width;
    for (const std::int64_t sent : {edge - 1, edge, edge + 1, -edge + 1, -edge, -edge - 1}) {
      std::string bytes;
      writer{bytes}.integer(sent);
      std::int64_t got = 0;
      std::uint64_t natural = 0;

      BOOST_TEST(reader{bytes}.read(got));
      BOOST_TEST(got == sent);
      BOOST_TEST(reader{bytes}.read(natural) == (sent >= 0));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_signed_read_refuses_what_only_unsigned_holds) {
  std::string bytes;
  writer{bytes}.unsigned_integer(std::uint64_t{1} << 63U);
  std::int64_t whole = 0;
  std::uint64_t natural = 0;
  double real = 0;

  BOOST_TEST(!reader{bytes}.read(whole));
  BOOST_TEST(reader{bytes}.read(natural));
  BOOST_TEST(natural == std::uint64_t{1} << 63U);
  BOOST_TEST(reader{bytes}.read(real));
  BOOST_TEST(real == std::ldexp(1.0, 63));
}

// msgpack-c packs 2.0 as 2 and converts 2^64 to an integer it does not fit.
BOOST_AUTO_TEST_CASE(a_real_keeps_its_type_and_its_bits) {
  for (const double sent :
       {0.0,
        -0.0,
        2.0,
        -3.0,
        0.1,
        std::ldexp(1.0, 64),
        -std::ldexp(1.0, 63),
        std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::denorm_min()}) {
    std::string bytes;
    writer{bytes}.real(sent);
    double got = 1;

    BOOST_TEST((reader{bytes}.peek() == value_type::real));
    BOOST_TEST(reader{bytes}.read(got));
    BOOST_TEST(got == sent);
    BOOST_TEST(std::signbit(got) == std::signbit(sent));
  }
}

BOOST_AUTO_TEST_CASE(a_float32_and_an_integer_are_reals_too) {
  double real = 0;

  BOOST_TEST(reader{hex("ca 3f 00 00 00")}.read(real));
  BOOST_TEST(real == 0.5);
  BOOST_TEST(reader{hex("fe")}.read(real));
  BOOST_TEST(real == -2.0);
}

BOOST_AUTO_TEST_CASE(a_getter_of_another_type_moves_nothing) {
  const std::string bytes = hex("a1 61");
  reader from{bytes};
  bool flag = false;
  std::int64_t whole = 0;
  std::uint64_t natural = 0;
  double real = 0;
  std::string_view text;
  std::uint32_t count = 0;

  BOOST_TEST(!from.read(flag));
  BOOST_TEST(!from.read(whole));
  BOOST_TEST(!from.read(natural));
  BOOST_TEST(!from.read(real));
  BOOST_TEST(!from.read_nil());
  BOOST_TEST(!from.read_binary(text));
  BOOST_TEST(!from.read_array(count));
  BOOST_TEST(!from.read_map(count));

  BOOST_TEST((from.position() == bytes.data()));
  BOOST_TEST(from.read_text(text));
}

BOOST_AUTO_TEST_CASE(raw_takes_one_value_with_all_it_contains) {
  const std::string bytes = hex("82 a1 61 93 01 02 c0 a1 62 d6 05 01020304 c3");
  reader from{bytes};
  std::string_view raw;
  bool flag = false;

  BOOST_TEST(from.read_raw(raw));

  BOOST_TEST(raw.size() == bytes.size() - 1);
  BOOST_TEST(from.read(flag));
  BOOST_TEST(from.at_end());
  BOOST_TEST(!from.read_raw(raw));
}

BOOST_AUTO_TEST_CASE(a_cut_off_value_is_not_skipped) {
  const std::string whole = hex("93 a3 616263 81 01 c7 02 05 0102 cb 0000000000000000");

  BOOST_TEST(reader{whole}.skip());
  each_prefix(whole, [](std::string_view bytes) {
    reader from{bytes};
    BOOST_TEST(!from.skip());
    BOOST_TEST((from.position() == bytes.data()));
  });
}

BOOST_AUTO_TEST_CASE(one_well_formed_value_passes_the_check) {
  for (const char* good :
       {"00",
        "7f",
        "ff",
        "c0",
        "c2",
        "80",
        "90",
        "a0",
        "c4 00",
        "c7 00 05",
        "d4 05 00",
        "dc 00 00",
        "dd 00 00 00 00",
        "df 00 00 00 00",
        "d9 01 61",
        "81 c0 c0",
        "92 90 80"}) {
    BOOST_TEST(is_fine(hex(good)), good);
  }
}

BOOST_AUTO_TEST_CASE(a_fault_says_what_and_where) {
  BOOST_TEST(fault_of("") == "the body is empty; one MessagePack value is expected");
  BOOST_TEST(fault_of(hex("92 01 c1")) == "malformed or cut off MessagePack at byte 2 of 3");
  BOOST_TEST(fault_of(hex("01 02")) == "bytes left over after the value at byte 1 of 2");
  BOOST_TEST(
      fault_of(hex("91 dc ff ff 00"))
      == "more elements declared than there are bytes at byte 1 of 5");
  BOOST_TEST(
      fault_of(repeated("\x91", 17) + '\0')
      == "nested too deeply (16 levels at most) at byte 16 of 18");
}

BOOST_AUTO_TEST_CASE(sixteen_levels_are_the_limit) {
  BOOST_TEST(is_fine(repeated("\x91", 16) + '\x01'));
  BOOST_TEST(is_fine(repeated("\x91", 15) + '\x90'));
  BOOST_TEST(is_fine(repeated("\x81\x01", 16) + '\x01'));
  BOOST_TEST(!is_fine(repeated("\x91", 17) + '\x01'));
  BOOST_TEST(!is_fine(repeated("\x91", 16) + '\x90'));
  BOOST_TEST(!is_fine(repeated("\x91", 16) + '\x80'));
  BOOST_TEST(!is_fine(repeated("\x81\x01", 17) + '\x01'));
}

// A sibling of a deep value is not deep itself.
BOOST_AUTO_TEST_CASE(levels_are_closed_again) {
  const std::string deep = repeated("\x91", 15) + '\x01';

  BOOST_TEST(is_fine('\x92' + deep + deep));
  BOOST_TEST(is_fine('\x93' + deep + '\x01' + deep));
}

// Each of these asks for far more memory than it has bytes.
BOOST_AUTO_TEST_CASE(declared_sizes_are_not_believed) {
  BOOST_TEST(!is_fine(hex("dd ff ff ff ff")));
  BOOST_TEST(!is_fine(hex("df ff ff ff ff")));
  BOOST_TEST(!is_fine(hex("db 40 00 00 00")));
  BOOST_TEST(!is_fine(hex("c6 ff ff ff ff")));
  BOOST_TEST(!is_fine(hex("c9 ff ff ff ff 01")));
  BOOST_TEST(!is_fine(repeated("\xdc\xff\xff", 64 * 1024 / 3)));
  BOOST_TEST(!is_fine(repeated("\x91", 100'000)));
  BOOST_TEST(!is_fine(repeated("\x81\x91", 100'000)));
}

// A list of true size passes, so that the limit is a limit on lies and not on sizes.
BOOST_AUTO_TEST_CASE(a_long_honest_list_passes) {
  std::string bytes;
  writer to{bytes};
  to.array(100'000);
  bytes.append(100'000, '\xc0');

  BOOST_TEST(is_fine(bytes));
  bytes.pop_back();
  BOOST_TEST(!is_fine(bytes));
}

BOOST_AUTO_TEST_CASE(utf8_is_told_from_what_only_looks_like_it) {
  for (const char* good :
       {"",
        "61",
        "c2 80",
        "df bf",
        "e0 a0 80",
        "ed 9f bf",
        "ee 80 80",
        "ef bf bf",
        "f0 90 80 80",
        "f4 8f bf bf",
        "6162636465666768 c3 a9 6162636465666768"}) {
    exactly(hex(good), [&](std::string_view bytes) { BOOST_TEST(is_utf8(bytes), good); });
  }
  for (const char* bad :
       {"80",
        "bf",
        "c0 80",
        "c1 bf",
        "c2",
        "c2 41",
        "e0 9f bf",
        "e2 82",
        "ed a0 80",
        "ed bf bf",
        "f0 8f bf bf",
        "f0 9f 98",
        "f4 90 80 80",
        "f5 80 80 80",
        "ff",
        "fe",
        "6162636465666768 ff",
        "61626364656667 c3 68"}) {
    exactly(hex(bad), [&](std::string_view bytes) { BOOST_TEST(!is_utf8(bytes), bad); });
  }
}

BOOST_AUTO_TEST_CASE(every_type_has_a_name_for_people) {
  BOOST_TEST(name_of(reader{hex("c0")}.peek()) == "nil");
  BOOST_TEST(name_of(reader{hex("c2")}.peek()) == "a boolean");
  BOOST_TEST(name_of(reader{hex("05")}.peek()) == "an integer");
  BOOST_TEST(name_of(reader{hex("ca 00000000")}.peek()) == "a number");
  BOOST_TEST(name_of(reader{hex("a0")}.peek()) == "text");
  BOOST_TEST(name_of(reader{hex("c4 00")}.peek()) == "binary");
  BOOST_TEST(name_of(reader{hex("90")}.peek()) == "an array");
  BOOST_TEST(name_of(reader{hex("80")}.peek()) == "a map");
  BOOST_TEST(name_of(reader{hex("d4 01 00")}.peek()) == "an extension");
  BOOST_TEST(name_of(reader{hex("c1")}.peek()) == "nothing readable");
  BOOST_TEST(name_of(reader{""}.peek()) == "nothing readable");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::wire

#include "runtime/bytes.hpp"

#include <boost/test/unit_test.hpp>

#include <array>

namespace utf = boost::unit_test;
using namespace troupe;

BOOST_AUTO_TEST_SUITE(runtime_bytes, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(the_most_significant_byte_comes_first) {
  std::string bytes;
  append_big_endian(bytes, 0x0102030405060708);

  BOOST_TEST(bytes == "\x01\x02\x03\x04\x05\x06\x07\x08");
  BOOST_TEST(load_big_endian<std::uint64_t>(bytes.data()) == 0x0102030405060708U);
  BOOST_TEST(load_big_endian<std::uint32_t>(bytes.data() + 1) == 0x02030405U);
  BOOST_TEST(load_big_endian<std::uint16_t>(bytes.data() + 1) == 0x0203U);
  BOOST_TEST(load_big_endian<std::uint8_t>(bytes.data() + 7) == 0x08U);
}

BOOST_AUTO_TEST_CASE(a_number_is_cut_to_its_lowest_bytes) {
  std::array<char, 8> bytes{};
  store_big_endian(bytes.data() + 1, 0xff01020304050607, 6);

  BOOST_TEST(
      (std::string_view{bytes.data(), 8} == std::string_view{"\0\x02\x03\x04\x05\x06\x07\0", 8}));
}

// The first values of splitmix64.c (Vigna 2015) for seed 0.
BOOST_AUTO_TEST_CASE(mixing_is_that_of_splitmix64) {
  BOOST_TEST(mixed(golden_ratio) == 0xe220a8397b1dcdafU);
  BOOST_TEST(mixed(2 * golden_ratio) == 0x6e789e6aa1b965f4U);
}

BOOST_AUTO_TEST_SUITE_END()

#include "runtime/key_stream.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>
#include <string>

namespace troupe {

namespace {

std::string hex_of(const key_stream::block& bytes) {
  std::string text;
  for (const std::byte each : bytes) {
    text += fmt::format("{:02x}", std::to_integer<int>(each));
  }
  return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_key_stream)

// Strombergson, "Test Vectors for the Stream Cipher ChaCha", TC1: 256-bit key, 8 rounds.
BOOST_AUTO_TEST_CASE(blocks_are_those_of_chacha8) {
  const key_stream stream{key_stream::key{}};

  BOOST_TEST(
      hex_of(stream.at(0))
      == "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e"
         "984ce172b9216f419f445367456d5619314a42a3da86b001387bfdb80e0cfe42");
  BOOST_TEST(
      hex_of(stream.at(1))
      == "d2aefa0deaa5c151bf0adb6c01f2a5adc0fd581259f9a2aadcf20f8fd566a26b"
         "5032ec38bbc5da98ee0c6f568b872a65a08abf251deb21bb4b56e5d8821e68aa");
}

BOOST_AUTO_TEST_CASE(blocks_follow_from_key_and_number) {
  const key_stream one{{1}};

  BOOST_TEST((one.at(7) == key_stream{{1}}.at(7)));
  BOOST_TEST((one.at(7) != one.at(7 + (std::uint64_t{1} << 32U))));
  BOOST_TEST((one.at(7) != key_stream{{2}}.at(7)));
  BOOST_TEST((key_stream{}.at(0) != key_stream{}.at(0)));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe

#include "runtime/characters.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe {

BOOST_AUTO_TEST_SUITE(runtime_characters, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(a_character_has_its_number_and_its_bytes) {
  for (const auto& [text, code] :
       {std::pair{"a", U'a'},
        {"\xc3\xa9", U'\u00e9'},
        {"\xe2\x82\xac", U'\u20ac'},
        {"\xf0\x9f\x8e\xad", U'\U0001f3ad'},
        {"\xf4\x8f\xbf\xbf", U'\U0010ffff'}}) {
    const std::string followed = std::string{text} + "b";
    const character found = first_character(followed);
    BOOST_TEST((found.code == code), text);
    BOOST_TEST(found.bytes == followed.size() - 1, text);
    BOOST_TEST(is_all_shown(followed), text);
  }
}

// Overlong forms, halves of pairs, what is above all, what is cut off, and bytes of their own.
BOOST_AUTO_TEST_CASE(what_is_no_utf8_is_passed_over_by_the_byte) {
  for (const std::string text :
       {"\xc0\xaf",
        "\xe0\x80\xaf",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xe2\x82",
        "\xf0\x9f\x8e",
        "\x9b",
        "\xff",
        "\xc3("}) {
    BOOST_TEST((first_character(text).code == 0xfffd));
    BOOST_TEST(first_character(text).bytes == 1U);
    BOOST_TEST(!is_all_shown(text));
  }
}

BOOST_AUTO_TEST_CASE(what_only_tells_a_terminal_or_a_reader_something_is_not_shown) {
  for (const char* text :
       {"\x1b",
        "\n",
        "\x7f",
        "\xc2\x85",
        "\xc2\x9b",
        "\xd8\x9c",
        "\xe2\x80\x8b",
        "\xe2\x80\x8f",
        "\xe2\x80\xa8",
        "\xe2\x80\xae",
        "\xe2\x81\xa6",
        "\xef\xbb\xbf",
        "\xf3\xa0\x80\x81"}) {
    BOOST_TEST(!is_all_shown(text));
    BOOST_TEST(!first_character(text).is_shown());
  }
  BOOST_TEST(is_all_shown("gr\xc3\xb6\xc3\x9f"
                          "er \xd8\xb9 \xe2\x82\xac"));
  BOOST_TEST(is_all_shown("\xef\xbf\xbd")); // A replacement that somebody wrote.
  BOOST_TEST(is_all_shown(""));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe

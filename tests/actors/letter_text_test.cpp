#include "actors/notifications/letter_text.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::notifications {

BOOST_AUTO_TEST_SUITE(actors_notifications_letter_text, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(addresses_are_plain_ones) {
  for (const char* good : {"ada@example.org", "a.b+c@x", "customer-025@customers.example"}) {
    BOOST_TEST(is_address(good), good);
  }
  for (const char* bad :
       {"",
        "ada",
        "@x",
        "ada@",
        ".a@x",
        "a.@x",
        "a..b@x",
        "a@x..y",
        "a b@x",
        "a@b@c",
        "a>@x",
        "a@x\r\nBcc: all@x",
        "\"a\"@x",
        "\xc3\xa4@x"}) {
    BOOST_TEST(!is_address(bad), bad);
  }
  BOOST_TEST(is_address(std::string(250, 'a').append("@xyz")));
  BOOST_TEST(!is_address(std::string(251, 'a').append("@xyz")));
}

BOOST_AUTO_TEST_CASE(a_customer_s_name_is_completed_to_an_address) {
  BOOST_TEST(address_of("ada", "c.example").value_or("none") == "ada@c.example");
  BOOST_TEST(address_of("ada@x.org", "c.example").value_or("none") == "ada@x.org");
  BOOST_TEST(address_of("Ada Lovelace", "c.example").value_or("none") == "none");
}

BOOST_AUTO_TEST_CASE(a_confirmation_says_what_was_bought_and_what_it_cost) {
  const uuid order = parse_uuid("019a0000-0000-7000-8000-000000000001").value();
  const send_confirmation wish{
      order, "ada@x.org", "EUR", {{"tea", 2}, {"mug\r\n.\r\n", 1}}, 2205, 1'764'000'000'000};

  const std::string text = letter_text(wish, "shop@s.org", message_id_of(order, "shop@s.org"));

  BOOST_TEST(
      text
      == "From: <shop@s.org>\r\n"
         "To: <ada@x.org>\r\n"
         "Subject: Your order 019a0000-0000-7000-8000-000000000001 is confirmed\r\n"
         "Date: Mon, 24 Nov 2025 16:00:00 +0000\r\n"
         "Message-ID: <019a0000-0000-7000-8000-000000000001@s.org>\r\n"
         "MIME-Version: 1.0\r\n"
         "Content-Type: text/plain; charset=utf-8\r\n"
         "Content-Transfer-Encoding: 8bit\r\n"
         "\r\n"
         "Thank you. This is what you will get:\r\n"
         "\r\n"
         "        2 x tea\r\n"
         "        1 x mug??.??\r\n"
         "\r\n"
         "We have charged 22.05 EUR.\r\n"
         "\r\n"
         "Your order: 019a0000-0000-7000-8000-000000000001\r\n");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::notifications

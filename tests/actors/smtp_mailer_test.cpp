#include "actors/notifications/smtp_mailer.hpp"

#include "actors/notifications/letter_text.hpp"
#include "tests/actors/small_smtp_server.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::shop::test {

using notifications::letter;
using notifications::message_id_of;
using notifications::smtp_mailer;

struct smtp_fixture {
  letter mail() {
    letter made{ids.next(time.wall()), "shop@s.org", "ada@x.org", {}};
    made.text = "From: <shop@s.org>\r\nMessage-ID: " + message_id_of(made.key, made.from)
                + "\r\n\r\nHello.\r\n.hidden\r\n";
    return made;
  }

  manual_clock time;
  uuid_source ids{3};
  small_smtp_server server{{}};
  smtp_mailer mailer{{.url = server.url()}};
};

BOOST_AUTO_TEST_SUITE(
    actors_notifications_smtp_mailer, *utf::label("integration") * utf::timeout(120))

BOOST_FIXTURE_TEST_CASE(a_mail_arrives_as_it_was_given, smtp_fixture) {
  const letter first = mail();
  const letter second = mail();

  BOOST_REQUIRE(mailer.send(first).has_value());
  BOOST_REQUIRE(mailer.send(second).has_value());

  BOOST_REQUIRE(server.mails().size() == 2U);
  BOOST_TEST(server.mails()[0] == first.text);
  BOOST_TEST(server.mails()[1] == second.text);
  BOOST_REQUIRE(server.envelopes().size() == 4U);
  BOOST_TEST(server.envelopes()[0].starts_with("MAIL FROM:<shop@s.org>"));
  BOOST_TEST(server.envelopes()[1] == "RCPT TO:<ada@x.org>");
  BOOST_TEST(server.connections() == 1);
}

BOOST_FIXTURE_TEST_CASE(what_speaks_of_the_mail_is_final, smtp_fixture) {
  server.behave({.to_recipient = "550 no such user"});
  const auto unknown = mailer.send(mail());
  server.behave({.to_mail = "554 looks like spam"});
  const auto spam = mailer.send(mail());

  BOOST_REQUIRE(unknown.has_value());
  BOOST_TEST(!unknown->taken);
  BOOST_TEST(unknown->reason.find("550") != std::string::npos);
  BOOST_REQUIRE(spam.has_value());
  BOOST_TEST(!spam->taken);
  BOOST_TEST(spam->reason.find("554") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(what_may_pass_is_tried_again, smtp_fixture) {
  const letter one = mail();
  server.behave({.to_recipient = "451 try later"});
  const auto busy = mailer.send(one);
  server.behave({});

  BOOST_REQUIRE(!busy.has_value());
  BOOST_TEST((busy.error().code == errc::unavailable));
  BOOST_TEST(busy.error().message.find("451") != std::string::npos);
  BOOST_TEST(mailer.send(one).value().taken);
}

// The mail was taken and the answer lost: the second try has the same Message-ID.
BOOST_FIXTURE_TEST_CASE(a_lost_answer_costs_a_second_mail_of_the_same_id, smtp_fixture) {
  const letter one = mail();
  server.behave({.loses_answer = true});
  const auto lost = mailer.send(one);
  server.behave({});
  const auto again = mailer.send(one);

  BOOST_TEST(!lost.has_value());
  BOOST_TEST(again.value().taken);
  BOOST_REQUIRE(server.mails().size() == 2U);
  BOOST_TEST(server.mails()[0] == server.mails()[1]);
}

BOOST_FIXTURE_TEST_CASE(a_server_that_is_not_there_is_tried_again, smtp_fixture) {
  std::string nobody;
  {
    const small_smtp_server gone{{}};
    nobody = gone.url();
  }
  smtp_mailer other{{.url = nobody}};

  const auto failed = other.send(mail());

  BOOST_REQUIRE(!failed.has_value());
  BOOST_TEST((failed.error().code == errc::unavailable));
  BOOST_TEST(failed.error().message.find(nobody) != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_server_without_tls_gets_nothing_where_tls_is_wanted, smtp_fixture) {
  smtp_mailer careful{{.url = server.url(), .starttls = true}};

  BOOST_TEST(!careful.send(mail()).has_value());
  BOOST_TEST(server.mails().empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::shop::test

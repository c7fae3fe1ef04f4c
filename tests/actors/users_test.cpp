#include "actors/users/messages.hpp"
#include "tests/actors/actor_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::shop::test {

using users::get_user;
using users::register_user;
using users::update_profile;
using users::user;

struct users_fixture : actor_fixture {
  users_fixture() : actor_fixture{type_named("users")} {}

  uuid added(const std::string& email, const std::string& name) {
    const auto one = call<user>("register", register_user{email, name});
    BOOST_REQUIRE(one.has_value());
    return one->user_id;
  }
};

BOOST_AUTO_TEST_SUITE(actors_users, *utf::label("unit") * utf::timeout(30))

BOOST_FIXTURE_TEST_CASE(who_registers_is_found, users_fixture) {
  const uuid ada = added("Ada@Example.org", "Ada");

  const auto found = ask<user>("get", get_user{ada});

  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(found->email == "ada@example.org");
  BOOST_TEST(found->name == "Ada");
  BOOST_TEST(is_refused(ask<user>("get", get_user{fresh_id()}), "unknown_user"));
}

BOOST_FIXTURE_TEST_CASE(an_address_belongs_to_one_user, users_fixture) {
  added("ada@example.org", "Ada");

  const auto again = call<user>("register", register_user{"ADA@example.org", "Eve"});

  BOOST_TEST(is_refused(again, "email_taken"));
  BOOST_TEST(number("SELECT COUNT(*) FROM users") == 1);
}

// Of two addresses that look alike neither may be an account: no-break space, zero-width space and
// joiner, byte order mark, letters whose case only Unicode knows, and bytes that are no UTF-8.
BOOST_FIXTURE_TEST_CASE(an_address_is_visible_ascii, users_fixture) {
  const uuid ada = added("ada@example.org", "Ada");

  for (const char* email :
       {"ada\u00a0@example.org",
        "ada\u200b@example.org",
        "ada@exam\u200dple.org",
        "\ufeffada@example.org",
        "\u00e4da@example.org",
        "\u00c4da@example.org",
        "\u212a@example.org",
        "\xff@example.org"}) {
    BOOST_TEST(is_invalid(call<user>("register", register_user{email, "Eve"})), email);
    BOOST_TEST(is_invalid(call<user>("update_profile", update_profile{ada, email, {}})), email);
  }
  BOOST_TEST(number("SELECT COUNT(*) FROM users") == 1);
}

BOOST_FIXTURE_TEST_CASE(a_profile_changes_where_it_is_told_to, users_fixture) {
  const uuid ada = added("ada@example.org", "Ada");
  added("eve@example.org", "Eve");

  const auto named = call<user>("update_profile", update_profile{ada, {}, "Ada L."});
  const auto moved = call<user>("update_profile", update_profile{ada, "ada@new.org", {}});
  const auto same = call<user>("update_profile", update_profile{ada, "ada@new.org", "Ada"});
  const auto taken = call<user>("update_profile", update_profile{ada, "eve@example.org", {}});
  const auto nobody = call<user>("update_profile", update_profile{fresh_id(), {}, "X"});

  BOOST_REQUIRE(named.has_value());
  BOOST_TEST(named->email == "ada@example.org");
  BOOST_TEST(named->name == "Ada L.");
  BOOST_REQUIRE(moved.has_value());
  BOOST_TEST(moved->email == "ada@new.org");
  BOOST_TEST(moved->name == "Ada L.");
  BOOST_TEST(same.has_value());
  BOOST_TEST(is_refused(taken, "email_taken"));
  BOOST_TEST(is_refused(nobody, "unknown_user"));
}

BOOST_FIXTURE_TEST_CASE(what_is_no_address_or_name_is_invalid, users_fixture) {
  for (const char* email : {"", "@", "a@", "@b", "a b@c", "a@b@c", "a\n@b", "a\x7f@b"}) {
    BOOST_TEST(is_invalid(call<user>("register", register_user{email, "Ada"})), email);
  }
  BOOST_TEST(is_invalid(call<user>("register", register_user{"a@b", ""})));
  BOOST_TEST(is_invalid(call<user>("register", register_user{"a@b", std::string(201, 'x')})));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::shop::test

#include "runtime/ids.hpp"
#include "tests/reconcile/books.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::reconcile::test {

namespace {

constexpr std::int64_t now = 1'800'000'000'000;

invariant same_amount() {
  invariant made;
  made.left = {.capability = "a", .query = "list", .rows = "rows", .key = "order"};
  made.right = {.capability = "b", .query = "list", .rows = "rows", .key = "order"};
  made.left_fields = {"amount"};
  made.right_fields = {"amount"};
  made.equal = {{{{.is_left = true, .field = 0}}, {{.field = 0}}, "left.amount = right.amount"}};
  return made;
}

books two_books(std::int64_t count) {
  books made;
  for (std::int64_t i = 0; i < count; ++i) {
    made.tables["a"].push_back({.order = i, .state = "", .currency = "", .amount = i});
    made.tables["b"].push_back({.order = i, .state = "", .currency = "", .amount = i});
  }
  return made;
}

struct id_row {
  uuid id;
};

TROUPE_MESSAGE(id_row, id)

struct id_rows {
  std::vector<id_row> rows;
};

TROUPE_MESSAGE(id_rows, rows)

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_reconcile_reconciliation, *utf::label("unit") * utf::timeout(20))

BOOST_AUTO_TEST_CASE(books_that_agree_have_no_findings_whatever_their_pages) {
  for (const std::uint32_t count : {1U, 2U, 7U, 50U, 99U}) {
    books both = two_books(50);
    both.count = count;
    pass_report told;

    BOOST_REQUIRE(reconcile::reconcile(same_amount(), now, "", both.fetch(), told));

    BOOST_TEST(told.findings.empty());
    BOOST_TEST(told.judged == 50U);
    BOOST_TEST(told.left_rows == 50U);
    BOOST_TEST(told.right_rows == 50U);
  }
}

BOOST_AUTO_TEST_CASE(negative_numbers_and_gaps_sort_as_numbers) {
  books both = two_books(3);
  both.tables["a"].push_back({.order = -5, .state = "", .currency = "", .amount = 1});
  both.tables["b"].push_back({.order = 9, .state = "", .currency = "", .amount = 1});
  pass_report told;

  BOOST_REQUIRE(reconcile::reconcile(same_amount(), now, "", both.fetch(), told));

  BOOST_REQUIRE(told.findings.size() == 2U);
  BOOST_TEST(key_text(told.findings[0].key) == "-5");
  BOOST_TEST((told.findings[0].type == finding_type::missing_right));
  BOOST_TEST(key_text(told.findings[1].key) == "9");
  BOOST_TEST(told.findings[1].details == "`a` has none");
}

BOOST_AUTO_TEST_CASE(a_capability_that_is_away_leaves_word_of_what_was_compared) {
  books both = two_books(50);
  const fetch_page inner = both.fetch();
  int left = 6;
  const fetch_page fails = [&](const source& from, std::string_view after) {
    return left-- == 0 ? failure{error{.code = errc::unavailable, .message = "nobody is there"}}
                       : inner(from, after);
  };
  pass_report told;

  const auto done = reconcile::reconcile(same_amount(), now, "", fails, told);

  BOOST_REQUIRE(!done);
  BOOST_TEST((done.error().code == errc::unavailable));
  BOOST_TEST(told.judged > 0U);
  const std::string behind = told.compared_to;
  pass_report rest;
  BOOST_REQUIRE(reconcile::reconcile(same_amount(), now, behind, both.fetch(), rest));
  BOOST_TEST(told.judged + rest.judged == 50U); // It goes on where it ended.
}

BOOST_AUTO_TEST_CASE(a_query_that_does_not_page_is_refused_and_not_asked_for_ever) {
  books both = two_books(5);
  const fetch_page inner = both.fetch();
  const fetch_page ignores = [&](const source& from, std::string_view) { return inner(from, ""); };
  pass_report told;

  const auto done = reconcile::reconcile(same_amount(), now, "", ignores, told);

  BOOST_REQUIRE(!done);
  BOOST_TEST(done.error().message.find("out of the order of their keys") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_query_that_answers_more_rows_than_it_is_asked_for_is_compared_all_the_same) {
  books both = two_books(50);
  both.tables["b"][30].amount = 7;
  const fetch_page of_books = both.fetch();
  const fetch_page all_at_once = [&](const source& from, std::string_view after) {
    both.count = 1'000; // It does not look at what it is asked for.
    return of_books(from, after);
  };
  pass_report told;

  BOOST_REQUIRE(reconcile::reconcile(same_amount(), now, "", all_at_once, told));

  BOOST_TEST(told.judged == 50U);
  BOOST_REQUIRE(told.findings.size() == 1U);
  BOOST_TEST(told.findings[0].key == key_of(30));
  BOOST_TEST(both.pages == 4); // Each side's rows, and that there are no more.
}

BOOST_AUTO_TEST_CASE(rows_of_a_key_whose_texts_differ_equal_nothing) {
  invariant same_currency = same_amount();
  same_currency.left_fields = {"currency"};
  same_currency.right_fields = {"currency"};
  const auto findings_of = [&](const std::string& first, const std::string& second) {
    books both = two_books(3);
    for (auto& [name, rows] : both.tables) {
      rows.push_back({.order = 1, .state = "", .currency = "", .amount = 1});
      for (entry& each : rows) {
        each.currency = "EUR";
      }
    }
    both.tables["a"][1].currency = first;
    both.tables["a"].back().currency = second;
    pass_report told;
    BOOST_REQUIRE(reconcile::reconcile(same_currency, now, "", both.fetch(), told));
    return told.findings.size();
  };

  BOOST_TEST(findings_of("EUR", "EUR") == 0U);
  BOOST_TEST(findings_of("EUR", "USD") == 1U);
  BOOST_TEST(findings_of("USD", "EUR") == 1U);
  BOOST_TEST(findings_of("EUR", "") == 1U);
}

BOOST_AUTO_TEST_CASE(a_reply_of_another_form_is_refused) {
  for (const std::string& reply :
       {std::string{"\xc1"},
        std::string{"\x80"},
        std::string{"\x81\xa4rows\x01"},
        std::string{"\x81\xa4rows\x91\x80"},
        std::string{"\x81\xa4rows\x91\x81\xa5order\xc0"}}) {
    pass_report told;
    const auto done = reconcile::reconcile(
        same_amount(),
        now,
        "",
        [&](const source&, std::string_view) { return outcome<std::string>{reply}; },
        told);
    BOOST_REQUIRE(!done);
    BOOST_TEST((done.error().code == errc::invalid));
  }
}

BOOST_AUTO_TEST_CASE(an_id_says_how_old_its_row_is) {
  const wall_time at{milliseconds{now - 1'000}};
  const uuid young = uuid_source{1}.next(at);
  const source from{.capability = "a", .query = "list", .rows = "rows", .key = "id"};

  const auto rows = read_rows(from, {}, wire::encoded(id_rows{{{young}}}));

  BOOST_REQUIRE(rows);
  BOOST_TEST((*rows)[0].changed == now - 1'000);
  BOOST_TEST(key_text((*rows)[0].key) == to_string(young));
}

BOOST_AUTO_TEST_CASE(only_what_two_passes_found_is_told) {
  const finding one{"n1", finding_type::differs, "1 and 2"};
  const finding other{"n2", finding_type::differs, "1 and 2"};
  const finding same{"n1", finding_type::differs, "1 and 3"};
  const finding another{"n2", finding_type::twice, ""};

  const auto both = confirmed({one, other}, {same, another});

  BOOST_REQUIRE(both.size() == 1U);
  BOOST_TEST((both[0] == same));
}

BOOST_AUTO_TEST_CASE(findings_have_a_bound_and_the_rest_is_counted) {
  books one_sided = two_books(0);
  one_sided.count = 1'000;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(findings_max) + 5; ++i) {
    one_sided.tables["a"].push_back({.order = i, .state = "", .currency = ""});
  }
  one_sided.tables["b"];
  pass_report told;

  BOOST_REQUIRE(reconcile::reconcile(same_amount(), now, "", one_sided.fetch(), told));

  BOOST_TEST(told.findings.size() == findings_max);
  BOOST_TEST(told.more == 5U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::reconcile::test

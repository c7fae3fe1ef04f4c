#include "runtime/error.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <set>

namespace utf = boost::unit_test;

namespace {

using troupe::errc;

struct numbered_code {
  errc code;
  int number;
  std::string_view name;
};

// Numbers and names travel in messages: lines may be added here, but never changed.
constexpr std::array codes{
    numbered_code{errc::rejected, 1, "rejected"},
    numbered_code{errc::invalid, 2, "invalid"},
    numbered_code{errc::conflict, 3, "conflict"},
    numbered_code{errc::unknown_capability, 4, "unknown_capability"},
    numbered_code{errc::unknown_operation, 5, "unknown_operation"},
    numbered_code{errc::unauthenticated, 6, "unauthenticated"},
    numbered_code{errc::forbidden, 7, "forbidden"},
    numbered_code{errc::overloaded, 8, "overloaded"},
    numbered_code{errc::circuit_open, 9, "circuit_open"},
    numbered_code{errc::unavailable, 10, "unavailable"},
    numbered_code{errc::deadline_exceeded, 11, "deadline_exceeded"},
    numbered_code{errc::crashed, 12, "crashed"},
    numbered_code{errc::internal, 13, "internal"},
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_error, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(every_code_keeps_its_number_and_its_name) {
  for (const auto& each : codes) {
    BOOST_TEST_CONTEXT(each.name) {
      BOOST_TEST(static_cast<int>(each.code) == each.number);
      BOOST_TEST(troupe::name_of(each.code) == each.name);
      BOOST_TEST((troupe::errc_named(each.name) == each.code));
    }
  }
}

// A newer peer may send a number this release does not know.
BOOST_AUTO_TEST_CASE(every_other_number_reads_as_internal) {
  std::set<int> known;
  for (const auto& each : codes) {
    known.insert(each.number);
  }

  for (int number = 0; number < 256; ++number) {
    if (known.count(number) == 0) {
      BOOST_TEST(troupe::name_of(static_cast<errc>(number)) == "internal");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_name_that_is_not_listed_names_no_code) {
  BOOST_TEST(!troupe::errc_named("").has_value());
  BOOST_TEST(!troupe::errc_named("Rejected").has_value());
  BOOST_TEST(!troupe::errc_named("rejecte").has_value());
}

BOOST_AUTO_TEST_CASE(only_technical_failures_count_against_a_breaker) {
  const std::set<errc> technical{errc::deadline_exceeded, errc::crashed, errc::internal};

  for (const auto& each : codes) {
    BOOST_TEST_CONTEXT(each.name) {
      BOOST_TEST(troupe::verdict_on(each.code).counts == (technical.count(each.code) == 1));
    }
  }
}

// The callers' rules are written against these columns; a new code must fit all of them.
BOOST_AUTO_TEST_CASE(the_columns_of_the_table_agree_with_each_other) {
  for (const auto& each : codes) {
    BOOST_TEST_CONTEXT(each.name) {
      const troupe::verdict& says = troupe::verdict_on(each.code);
      BOOST_TEST(!(says.asks_for_patience && says.counts));
      BOOST_TEST((!says.asks_for_patience || (says.is_blind && says.is_technical)));
      BOOST_TEST((!says.counts || says.is_technical));
      BOOST_TEST((!says.is_kept || (says.ends_event && !says.is_technical)));
    }
  }
}

BOOST_AUTO_TEST_CASE(each_code_is_judged_as_its_callers_rely_on) {
  const auto codes_where = [](bool troupe::verdict::*column) {
    std::set<errc> found;
    for (const auto& each : codes) {
      if (troupe::verdict_on(each.code).*column) {
        found.insert(each.code);
      }
    }
    return found;
  };
  const std::set<errc> refusals{errc::overloaded, errc::circuit_open, errc::unavailable};
  std::set<errc> blind = refusals;
  blind.insert(
      {errc::deadline_exceeded,
       errc::unauthenticated,
       errc::forbidden,
       errc::unknown_capability,
       errc::unknown_operation});
  std::set<errc> technical = refusals;
  technical.insert({errc::unauthenticated, errc::deadline_exceeded, errc::crashed, errc::internal});

  BOOST_TEST((codes_where(&troupe::verdict::asks_for_patience) == refusals));
  BOOST_TEST((codes_where(&troupe::verdict::is_blind) == blind));
  BOOST_TEST((codes_where(&troupe::verdict::is_technical) == technical));
  BOOST_TEST(
      (codes_where(&troupe::verdict::is_kept)
       == std::set<errc>{errc::rejected, errc::conflict, errc::forbidden}));
  BOOST_TEST(
      (codes_where(&troupe::verdict::ends_event)
       == std::set<errc>{errc::rejected, errc::invalid, errc::conflict, errc::forbidden}));
}

BOOST_AUTO_TEST_CASE(a_business_refusal_carries_its_reason_for_a_program) {
  const troupe::error refusal = troupe::rejected("out_of_stock", "no more apples");

  BOOST_TEST((refusal.code == errc::rejected));
  BOOST_TEST((refusal.possible == troupe::effect::none));
  BOOST_TEST(refusal.detail("reason") == "out_of_stock");
  BOOST_TEST(refusal.detail("other").empty());
}

BOOST_AUTO_TEST_SUITE_END()

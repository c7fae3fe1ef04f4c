#include "runtime/wire/writer.hpp"
#include "tests/reconcile/books.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

namespace utf = boost::unit_test;

namespace troupe::reconcile::test {

namespace {

constexpr auto good = R"(invariants:
  paid:
    left: {capability: orders, query: list, rows: rows, key: order}
    right: {capability: payments, query: list, rows: rows, key: order}
    settle: 5s
    match: left
    unique: [right]
    equal:
      - left.amount = right.amount - right.back + 3
)";

/// An amount with a fraction, which has no exact value.
struct priced {
  std::int64_t order = 0;
  double amount = 0;
  std::vector<std::int64_t> back{};
};

TROUPE_MESSAGE(priced, order, amount, back)

struct priced_rows {
  std::vector<priced> rows;
};

TROUPE_MESSAGE(priced_rows, rows)

/// "LINE:COLUMN what; " of each fault.
std::string said(const std::vector<fault>& faults) {
  std::string all;
  for (const fault& each : faults) {
    all += fmt::format("{}:{} {}; ", each.at.line, each.at.column, each.what);
  }
  return all;
}

template <class Rows = entries>
wire::actor_description described_books() {
  wire::schema_book types;
  wire::actor_description made{.actor = "books"};
  made.operations = {
      {"list",
       wire::operation_kind::query,
       types.add(wire::message_shape_of<page>()),
       types.add(wire::message_shape_of<Rows>())},
      {"add", wire::operation_kind::command}};
  made.types = types.take();
  return made;
}

template <class Rows = entries>
std::string checked(std::string_view text) {
  std::vector<fault> faults;
  const auto all = read(text, faults);
  const wire::actor_description type = described_books<Rows>();
  check(
      all,
      [&](const std::string& name) {
        return name == "orders" || name == "payments" ? &type : nullptr;
      },
      faults);
  return said(faults);
}

std::string with(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_reconcile_invariant, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_file_is_read) {
  std::vector<fault> faults;
  const auto all = read(good, faults);

  BOOST_TEST(said(faults) == "");
  BOOST_REQUIRE(all.size() == 1U);
  BOOST_TEST(all[0].name == "paid");
  BOOST_TEST(all[0].left.capability == "orders");
  BOOST_TEST((all[0].matched == match::left));
  BOOST_TEST((all[0].is_right_unique && !all[0].is_left_unique));
  BOOST_TEST(all[0].settle.count() == 5'000);
  BOOST_REQUIRE(all[0].equal.size() == 1U);
  BOOST_TEST(all[0].equal[0].other.size() == 3U);
  BOOST_TEST(all[0].right_fields.size() == 2U);
  BOOST_TEST(checked(good) == "");
}

BOOST_AUTO_TEST_CASE(what_is_not_there_is_named_with_line_and_column) {
  BOOST_TEST(
      checked(with(good, "capability: payments", "capability: paymnts"))
      == "4:12 there is no capability `paymnts`; ");
  BOOST_TEST(
      checked(with(good, "query: list", "query: lst"))
      == "3:11 capability `orders` has no operation `lst`, did you mean `list`?; ");
  BOOST_TEST(
      checked(with(good, "query: list", "query: add"))
      == "3:11 `orders.add` is no query: it changes something; ");
  BOOST_TEST(
      checked(with(good, "rows: rows", "rows: raws"))
      == "3:11 what `orders.list` answers has no list of rows `raws`; ");
  BOOST_TEST(
      checked(with(good, "key: order}", "key: ordr}"))
      == "3:11 a row of `orders.list` has no field `ordr`, did you mean `order`?; ");
  BOOST_TEST(
      checked(with(good, "right.back", "right.bock"))
          .find("4:12 a row of `payments.list` has no field `bock`")
      == 0U);
}

// Each would be taken for 0, and every comparison would hold.
BOOST_AUTO_TEST_CASE(fields_that_cannot_be_compared_are_refused) {
  const std::string all = checked<priced_rows>(good);

  for (const char* const each :
       {"3:11 field `amount` of a row of `orders.list` is no integer",
        "4:12 field `amount` of a row of `payments.list` is no integer",
        "4:12 field `back` of a row of `payments.list` is no integer"}) {
    BOOST_TEST(all.find(each) != std::string::npos, all);
  }
}

BOOST_AUTO_TEST_CASE(a_row_with_a_value_that_cannot_be_compared_is_refused) {
  std::vector<fault> faults;
  const auto rules = read(good, faults);
  const std::string reply = wire::encoded(priced_rows{{{1, 5, {}}, {2, 5.5, {}}}});

  const auto rows = read_rows(rules.at(0).left, rules.at(0).left_fields, reply);

  BOOST_REQUIRE(!rows);
  BOOST_TEST(
      rows.error().message
      == "what `orders.list` answered has a row whose `amount` is no id, text or integer");
}

// It could be neither published nor shown, and its settlement failed forever.
BOOST_AUTO_TEST_CASE(a_row_with_a_key_that_is_no_text_for_all_is_refused) {
  std::vector<fault> faults;
  const auto rules = read(good, faults);
  const source& orders = rules.at(0).left;
  const auto answered = [&](std::string_view key) {
    std::string reply;
    wire::writer to{reply};
    to.map(1);
    to.text(orders.rows);
    to.array(1);
    to.map(1);
    to.text(orders.key);
    to.text(key);
    return read_rows(orders, {}, reply);
  };
  using namespace std::string_view_literals;

  BOOST_TEST(answered("gr\xc3\xbcn").has_value());
  for (const std::string_view each : {"\xff"sv, "a\xc3"sv, "a\0b"sv}) {
    const auto rows = answered(each);
    BOOST_REQUIRE(!rows);
    BOOST_TEST(
        rows.error().message
        == "what `orders.list` answered has a row whose `order` is no id, text (UTF-8, without a "
           "NUL) or integer");
  }
}

BOOST_AUTO_TEST_CASE(what_has_no_meaning_is_refused) {
  BOOST_TEST(
      checked(with(good, "match: left", "match: some")).find("is `some`") != std::string::npos);
  BOOST_TEST(checked(with(good, "[right]", "[up]")).find("names `up`") != std::string::npos);
  for (const char* each :
       {"left.amount", "= right.amount", "left.a = right.b *", "left. = 1", "a = b", "1 = -"}) {
    BOOST_TEST_INFO(each);
    BOOST_TEST(
        checked(with(good, "left.amount = right.amount - right.back + 3", each))
            .find("no comparison")
        != std::string::npos);
  }
  BOOST_TEST(checked(with(good, "settle", "setle")).find("setle") != std::string::npos);
  BOOST_TEST(checked("other: 1\n").find("invariants") != std::string::npos);
  BOOST_TEST(checked("").find("invariants") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::reconcile::test

#include "runtime/wire/compatibility.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

namespace utf = boost::unit_test;

namespace troupe::wire {

namespace {

value_schema simple(form is) {
  return {.is = is};
}

/// An actor with one operation, which takes and answers an `order`, and one event of it.
actor_description shop() {
  const std::vector<field_schema> line{{"sku", false, simple(form::text)}};
  const std::vector<field_schema> order{
      {"id", false, simple(form::id)},
      {"count", false, simple(form::int32)},
      {"note", true, simple(form::text)},
      {"state", false, {.is = form::words, .words = {"open", "paid"}}},
      {"lines", false, {.within = {form::list}, .is = form::message, .message = "line"}},
      {"parts", false, {.within = {form::list}, .is = form::message, .message = "order"}}};
  return {
      .actor = "orders",
      .operations = {{"place", operation_kind::command, "order", "order"}},
      .handles = {{"stock.*", "line"}},
      .publishes = {{"order.placed", "order"}},
      .types = {{"order", order}, {"line", line}}};
}

field_schema& field_of(actor_description& in, std::size_t number) {
  return in.types[0].fields[number];
}

/// What breaks when `change` is made to the shop, one sentence a line.
template <class Change>
std::string broken_by(const Change& change) {
  actor_description now = shop();
  change(now);
  return fmt::format("{}", fmt::join(breaking_changes(shop(), now), "\n"));
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_wire_compatibility, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(what_only_adds_breaks_nobody) {
  BOOST_TEST(
      broken_by([](actor_description& now) {
        now.operations.push_back({"more", operation_kind::query, "line", "line"});
        now.publishes.push_back({"order.more", "line"});
        now.handles[0].pattern = "*";
        now.types[0].fields.push_back({"colour", true, simple(form::text)});
        now.types[0].name = "sale";
        now.operations[0].request = now.operations[0].reply = "sale";
        now.publishes[0].event = "sale";
        field_of(now, 5).type.message = "sale";
      })
      == "");
}

BOOST_AUTO_TEST_CASE(what_is_gone_is_told) {
  BOOST_TEST(
      broken_by([](actor_description& now) {
        now.operations.clear();
        now.handles.clear();
        now.publishes.clear();
      })
      == "the operation `place` is gone\n`stock.*` is handled no more\n`order.placed` is published "
         "no more");
}

BOOST_AUTO_TEST_CASE(a_lost_or_renamed_field_is_told_for_each_body) {
  BOOST_TEST(
      broken_by([](actor_description& now) { now.types[1].fields[0].name = "item"; })
      == "the request of `place` has lost the field `lines[].sku`\n"
         "the request of `place` wants the new field `lines[].item`; make it optional\n"
         "the reply of `place` has lost the field `lines[].sku`\n"
         "the event `stock.*` has lost the field `sku`\n"
         "the event `stock.*` wants the new field `item`; make it optional\n"
         "the event `order.placed` has lost the field `lines[].sku`");
}

BOOST_AUTO_TEST_CASE(a_type_breaks_who_sends_more_or_reads_less) {
  const auto narrower =
      broken_by([](actor_description& now) { field_of(now, 1).type.is = form::int16; });
  const auto wider =
      broken_by([](actor_description& now) { field_of(now, 1).type.is = form::int64; });
  const auto other =
      broken_by([](actor_description& now) { field_of(now, 1).type.is = form::text; });

  BOOST_TEST(narrower == "the request of `place`: `count` was int32 and is int16");
  BOOST_TEST(
      wider
      == "the reply of `place`: `count` was int32 and is int64\n"
         "the event `order.placed`: `count` was int32 and is int64");
  BOOST_TEST(std::ranges::count(other, '\n') == 2);
}

BOOST_AUTO_TEST_CASE(optional_fields_and_words_have_a_direction) {
  BOOST_TEST(
      broken_by([](actor_description& now) { field_of(now, 2).optional = false; })
      == "the request of `place`: `note` was optional and is wanted now");
  BOOST_TEST(
      broken_by([](actor_description& now) { field_of(now, 0).optional = true; })
      == "the reply of `place`: `id` was always there and may be absent now\n"
         "the event `order.placed`: `id` was always there and may be absent now");
  BOOST_TEST(
      broken_by([](actor_description& now) { field_of(now, 3).type.words.pop_back(); })
      == "the request of `place`: the words of `state` were open, paid and are open");
  BOOST_TEST(
      broken_by([](actor_description& now) {
        field_of(now, 3).type.words.push_back("void");
      }).find("the reply of `place`: the words of `state` were open, paid and are open, paid, void")
      == 0U);
}

BOOST_AUTO_TEST_CASE(a_query_that_becomes_a_command_is_told) {
  actor_description before = shop();
  before.operations[0].kind = operation_kind::query;

  const auto found = breaking_changes(before, shop());

  BOOST_REQUIRE(found.size() == 1U);
  BOOST_TEST(found[0].find("`place` was a query and is a command") == 0U);
}

BOOST_AUTO_TEST_CASE(what_a_reader_cannot_read_is_told) {
  const std::vector<message_schema> sent = shop().types;
  const auto told = [&](const auto& change) {
    actor_description reader = shop();
    change(reader);
    return fmt::format("{}", fmt::join(misfits(sent, "order", reader.types, "order"), "; "));
  };

  BOOST_TEST(told([](actor_description&) {}) == "");
  BOOST_TEST(
      told([](actor_description& reader) {
        reader.types[0].fields.pop_back(); // Passed over.
        reader.types[0].fields.push_back({"colour", true, simple(form::text)});
        field_of(reader, 0).optional = true;
        field_of(reader, 1).type.is = form::int64;
        field_of(reader, 3).type = simple(form::text);
      })
      == "");
  BOOST_TEST(
      told([](actor_description& reader) {
        reader.types[0].fields.push_back({"colour", false, simple(form::text)});
        field_of(reader, 1).type.is = form::int16;
        field_of(reader, 2).optional = false;
        field_of(reader, 3).type.words = {"open"};
        reader.types[1].fields[0].name = "item";
      })
      == "`count` is int32 and not int16; the field `note` may be absent; `state` is one of open, "
         "paid and not one of open; the field `lines[].item` is missing; the field `colour` is "
         "missing");
  BOOST_TEST(
      told([](actor_description& reader) { field_of(reader, 4).type = simple(form::text); })
      == "`lines` is list of line and not text");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::wire

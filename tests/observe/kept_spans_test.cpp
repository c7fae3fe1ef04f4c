#include "runtime/observe/kept_spans.hpp"

#include "runtime/observe/told_spans.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <limits>

namespace utf = boost::unit_test;

namespace troupe::observe {

namespace {

wire::told_spans told_by(const std::string& gateway, std::size_t count, std::int64_t start = 0) {
  wire::told_spans made;
  made.node = gateway;
  for (std::size_t i = 0; i < count; ++i) {
    wire::told_span& one = made.spans.emplace_back();
    one.id = i + 1;
    one.name = "GET /orders";
    one.kind = "server";
    one.start = start + static_cast<std::int64_t>(i);
    one.notes = {{"troupe.capability", "orders"}};
  }
  return made;
}

wire::told_spans answer_of(const span_rings& rings, const kept_spans& kept, wire::get_spans asked) {
  const auto said = told_spans(rings, "b1", wire::encoded(asked), 1'000'000, &kept);
  BOOST_REQUIRE(said.has_value());
  return *wire::checked_decode<wire::told_spans>(*said);
}

BOOST_AUTO_TEST_SUITE(runtime_observe_kept_spans, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(spans_of_others_are_told_with_whose_they_are) {
  span_rings rings;
  span own;
  own.set_name("queue orders");
  own.start = 1;
  rings.add().add(own);
  kept_spans kept;
  BOOST_REQUIRE(kept.add(wire::encoded(told_by("g1", 2, 5))).has_value());

  const auto said = answer_of(rings, kept, {.count = 10});

  BOOST_REQUIRE(said.spans.size() == 3U);
  BOOST_TEST(*said.spans[0].of == "g1");
  BOOST_TEST(said.spans[0].start == 6);
  BOOST_TEST(said.spans[2].name == "queue orders");
  BOOST_TEST(!said.spans[2].of.has_value());
  BOOST_TEST(answer_of(rings, kept, {.capability = "orders", .count = 10}).spans.size() == 2U);
  BOOST_TEST(answer_of(rings, kept, {.capability = "users", .count = 10}).spans.empty());
  BOOST_TEST(answer_of(rings, kept, {.count = 1}).is_cut);
}

// However many notes spans have, an answer is no larger than it may be.
BOOST_AUTO_TEST_CASE(an_answer_keeps_its_bound) {
  kept_spans kept;
  auto full = told_by("g1", kept_spans::most_at_once);
  for (wire::told_span& each : full.spans) {
    each.notes.clear();
    for (int i = 0; i < 16; ++i) {
      each.notes[std::to_string(i)] = std::string(36, 'x');
    }
  }
  BOOST_REQUIRE(kept.add(wire::encoded(full)).has_value());
  constexpr std::size_t bytes_max = 50'000;

  const auto said = told_spans({}, "b1", wire::encoded(wire::get_spans{}), bytes_max, &kept);

  BOOST_REQUIRE(said.has_value());
  BOOST_TEST(said->size() <= bytes_max);
  BOOST_TEST(wire::checked_decode<wire::told_spans>(*said)->is_cut);
}

BOOST_AUTO_TEST_CASE(spans_of_rings_are_chosen_as_well) {
  span_rings rings;
  span_ring& ring = rings.add();
  for (const char* capability : {"orders", "users"}) {
    span one;
    one.set_name("queue");
    one.duration = 5'000;
    (void)one.note("troupe.capability", capability);
    ring.add(one);
  }
  const kept_spans none;

  BOOST_TEST(answer_of(rings, none, {.capability = "orders", .count = 10}).spans.size() == 1U);
  BOOST_TEST(answer_of(rings, none, {.slow_us = 5, .count = 10}).spans.size() == 2U);
  BOOST_TEST(answer_of(rings, none, {.slow_us = 6, .count = 10}).spans.empty());
}

// Who tells could not tell all: as long as what it told then is here, an answer is a part.
BOOST_AUTO_TEST_CASE(a_gap_in_what_was_told_is_told) {
  const span_rings rings;
  kept_spans kept;
  auto part = told_by("g1", 10);
  part.is_cut = true;
  BOOST_TEST(!kept.has_gap());
  BOOST_REQUIRE(kept.add(wire::encoded(part)).has_value());
  BOOST_TEST(answer_of(rings, kept, {.count = 100}).is_cut);
  for (std::int64_t i = 0; i < 4; ++i) {
    BOOST_TEST(kept.has_gap());
    BOOST_REQUIRE(kept.add(wire::encoded(told_by("g1", kept_spans::most_at_once, i * 1'000))));
  }

  BOOST_TEST(!kept.has_gap());
  BOOST_TEST(!answer_of(rings, kept, {.trace = uuid{}, .slow_us = 1'000, .count = 1'000}).is_cut);
}

BOOST_AUTO_TEST_CASE(the_newest_are_kept) {
  kept_spans kept;
  for (std::int64_t i = 0; i < 10; ++i) {
    BOOST_REQUIRE(kept.add(wire::encoded(told_by("g1", kept_spans::most_at_once, i * 1'000))));
  }

  BOOST_TEST(kept.all().size() == kept_spans::most);
  BOOST_TEST(kept.all().front().start == 6'000);
}

BOOST_AUTO_TEST_CASE(what_is_too_much_is_refused_whole) {
  kept_spans kept;
  auto large = told_by("g1", 2);
  large.spans[1].notes["text"] = std::string(10'000, 'x');

  BOOST_TEST(!kept.add(wire::encoded(large)).has_value());
  BOOST_TEST(!kept.add(wire::encoded(told_by("g1", kept_spans::most_at_once + 1))).has_value());
  BOOST_TEST(!kept.add(wire::encoded(told_by(std::string(1'000, 'g'), 1))).has_value());
  auto many = told_by("g1", 2);
  for (int i = 0; i < 16; ++i) {
    many.spans[1].notes["k" + std::to_string(i)] = "";
  }
  BOOST_TEST(!kept.add(wire::encoded(many)).has_value());
  const auto named = kept.add(wire::encoded(told_by(std::string(1'000, 'g'), 1)));
  BOOST_TEST(named.error().message.find("name") != std::string::npos);
  BOOST_TEST(!kept.add("nonsense").has_value());
  BOOST_TEST(kept.all().empty());
}

// Whoever draws them adds start and duration; whoever may call may bring spans.
BOOST_AUTO_TEST_CASE(times_that_no_clock_has_told_are_refused) {
  kept_spans kept;
  const auto is_kept = [&](std::uint64_t id, std::int64_t start, std::int64_t duration) {
    auto told = told_by("g1", 1);
    told.spans[0].id = id;
    told.spans[0].start = start;
    told.spans[0].duration = duration;
    return kept.add(wire::encoded(told)).has_value();
  };
  constexpr auto most = std::numeric_limits<std::int64_t>::max();

  BOOST_TEST(is_kept(1, 5'000'000, 7'000));
  BOOST_TEST(!is_kept(0, 5, 7));
  BOOST_TEST(!is_kept(1, -5, 7));
  BOOST_TEST(!is_kept(1, 5, -7));
  BOOST_TEST(!is_kept(1, most, 1));

  BOOST_TEST(answer_of(span_rings{}, kept, {.slow_us = 7}).spans.size() == 1U);
  BOOST_TEST(answer_of(span_rings{}, kept, {.slow_us = 8}).spans.empty());
  // Times 1,000, it would be below nothing.
  BOOST_TEST(answer_of(span_rings{}, kept, {.slow_us = std::uint64_t{1} << 63}).spans.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace

} // namespace troupe::observe

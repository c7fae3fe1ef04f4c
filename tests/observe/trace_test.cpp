#include "runtime/observe/span_exporter.hpp"
#include "runtime/observe/span_ring.hpp"
#include "runtime/observe/trace_context.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::observe {

namespace {

const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::vector<std::string> names_in(const span_ring& ring, std::uint64_t from = 0) {
  std::vector<std::string> found;
  (void)ring.read(from, [&](const span& each) { found.emplace_back(each.name()); });
  return found;
}

span named_span(const std::string& name) {
  span made;
  made.set_name(name);
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_observe_traces, *utf::label("unit") * utf::timeout(20))

BOOST_AUTO_TEST_CASE(a_trace_is_passed_on_if_it_can_be_read) {
  BOOST_TEST(trace_text(good) == good);
  BOOST_TEST(trace_text("cc" + good.substr(2) + "-later") == good); // W3C Trace Context, 3.2.3.
  for (const std::string& bad :
       {std::string{},
        good.substr(1),
        good + "-more",
        "ff" + good.substr(2),
        "00-" + std::string(32, '0') + good.substr(35),
        std::string{"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"}}) {
    BOOST_TEST(trace_text(bad, "a=b").empty(), bad);
    BOOST_TEST(!read_trace(bad), bad);
  }
}

BOOST_AUTO_TEST_CASE(a_trace_says_where_it_is_and_whether_it_is_recorded) {
  const auto read = read_trace(good);
  BOOST_REQUIRE(read);
  BOOST_TEST(hex_of(read->trace) == "4bf92f3577b34da6a3ce929d0e0e4736");
  BOOST_TEST(hex_of(read->span) == "00f067aa0ba902b7");
  BOOST_TEST(read->is_recorded);
  BOOST_TEST(trace_text(*read) == good);
  BOOST_TEST(says_recorded(good));
  for (const char flag : std::string{"13579bdf"}) {
    BOOST_TEST(says_recorded(good.substr(0, 54) + flag));
  }
  for (const char flag : std::string{"02468ace"}) {
    BOOST_TEST(!says_recorded(good.substr(0, 54) + flag));
  }
  BOOST_TEST(!says_recorded(""));
}

BOOST_AUTO_TEST_CASE(the_state_of_a_trace_goes_with_it_as_far_as_there_is_room) {
  const std::string text = trace_text(good, " a=1 ,b=2,, c=3");
  BOOST_TEST(fields_of(text).traceparent == good);
  BOOST_TEST(fields_of(text).tracestate == "a=1,b=2,c=3");
  BOOST_TEST(read_trace(text).has_value());

  const std::string below = trace_text({read_trace(good)->trace, 7, true}, text);
  BOOST_TEST(fields_of(below).tracestate == "a=1,b=2,c=3");
  BOOST_TEST(read_trace(below)->span == 7U);

  const std::string large = "big=" + std::string(150, 'x');
  BOOST_TEST(fields_of(trace_text(good, large + ",a=1")).tracestate == large + ",a=1");
  BOOST_TEST(
      fields_of(trace_text(good, large + ",a=1,b=" + std::string(60, 'y'))).tracestate
      == "a=1,b=" + std::string(60, 'y'));
  BOOST_TEST(trace_text(good, "a=\r\nx: y") == good);
}

BOOST_AUTO_TEST_CASE(a_share_takes_the_same_traces_everywhere) {
  const sampling none;
  const sampling half{0.5};
  const sampling all{1};
  int taken = 0;
  uuid_source ids{1};
  for (int i = 0; i < 10'000; ++i) {
    const uuid id = ids.next(wall_time{milliseconds{1'700'000'000'000 + i}});
    BOOST_TEST(!none.takes(id));
    BOOST_TEST(all.takes(id));
    BOOST_TEST(sampling{0.5}.takes(id) == half.takes(id));
    taken += half.takes(id) ? 1 : 0;
  }
  BOOST_TEST(taken > 4'500);
  BOOST_TEST(taken < 5'500);
  const std::string silent = good.substr(0, 54) + "0";
  BOOST_TEST(!all.takes(silent, uuid{}));
  BOOST_TEST((sampling{0, true}.takes(silent, uuid{})));
  BOOST_TEST(none.takes(good, uuid{}));
}

// OpenTelemetry, "Attribute Collections": collectors refuse the whole batch for a second one.
BOOST_AUTO_TEST_CASE(of_notes_with_one_key_the_last_counts) {
  span made = named_span("orders.place");
  const auto notes = [&] {
    std::string found;
    made.for_each_note([&](std::string_view key, std::string_view value) {
      found += std::string{key} + "=" + std::string{value} + ";";
    });
    return found;
  };
  made.note_or_count("sku", "tea");
  made.note_or_count("count", "12");
  made.note_or_count("sku", "coffee");
  BOOST_TEST(notes() == "count=12;sku=coffee;");
  made.note_or_count("count", "");
  BOOST_TEST(notes() == "sku=coffee;count=;");
  made.note_or_count(std::string(50, 'k'), "1");
  made.note_or_count(std::string(60, 'k'), "2"); // Both are cut to the same.
  BOOST_TEST(notes() == "sku=coffee;count=;" + std::string(40, 'k') + "=2;");
  made.note_or_count("a", std::string(160, 'a'));
  made.note_or_count("b", std::string(160, 'b'));
  made.note_or_count("sku", std::string(160, 'v')); // No room: the one before stays.
  BOOST_TEST(notes().starts_with("sku=coffee;"));
  BOOST_TEST(made.notes_lost == 1);
}

BOOST_AUTO_TEST_CASE(a_trace_is_found_however_a_person_writes_it) {
  const auto trace = read_trace(good)->trace;
  BOOST_TEST((parse_trace_id(good) == trace));
  BOOST_TEST((parse_trace_id("4BF92F3577B34DA6A3CE929D0E0E4736") == trace));
  BOOST_TEST(!parse_trace_id("4bf92f3577b34da6a3ce929d0e0e473"));
  BOOST_TEST(!parse_trace_id(std::string(32, '0')));
}

BOOST_AUTO_TEST_CASE(notes_have_bounds) {
  span made = named_span("orders.place");
  BOOST_TEST(made.note("items", "12"));
  BOOST_TEST(made.note(std::string(100, 'k'), std::string(1'000, 'v')));
  BOOST_TEST(!made.note("bad", "\xff"));
  BOOST_TEST(!made.note("", "x"));
  BOOST_TEST(made.note("more", std::string(150, 'v')));
  BOOST_TEST(!made.note("most", std::string(150, 'v')));

  std::vector<std::string> found;
  made.for_each_note([&](std::string_view key, std::string_view value) {
    found.push_back(std::string{key} + "=" + std::string{value});
  });
  BOOST_TEST(made.name() == "orders.place");
  BOOST_REQUIRE(found.size() == 3U);
  BOOST_TEST(found[0] == "items=12");
  BOOST_TEST(found[1] == std::string(40, 'k') + "=" + std::string(160, 'v'));
}

// OTLP/HTTP, "Failures": these four are tried again, and so is what got no answer.
BOOST_AUTO_TEST_CASE(a_span_has_the_state_of_its_trace_beside_its_notes) {
  span one;
  one.set_name("orders.place", "vendor=1,other=2");
  BOOST_TEST(one.note("items", "12"));
  span none = named_span("orders.place");
  BOOST_TEST(none.note("items", "12"));
  span cut;
  cut.set_name("orders.place", std::string(span::state_bytes_max + 1, 's'));

  BOOST_TEST(one.name() == "orders.place");
  BOOST_TEST(one.state() == "vendor=1,other=2");
  BOOST_TEST(none.state() == "");
  BOOST_TEST(cut.state() == ""); // A part of a member would say something else.
  BOOST_TEST(span{}.state() == "");
  for (const span* each : {&one, &none}) {
    std::string found;
    each->for_each_note([&](std::string_view key, std::string_view value) {
      found += std::string{key} + "=" + std::string{value} + ";";
    });
    BOOST_TEST(found == "items=12;");
  }
}

// A long text leaves nothing behind in the place of a short one.
BOOST_AUTO_TEST_CASE(a_ring_that_is_overwritten_keeps_whole_spans) {
  span_ring ring;
  for (std::size_t i = 0; i < span_ring::capacity; ++i) {
    span long_one = named_span(std::string(90, 'n'));
    BOOST_REQUIRE(long_one.note("key", std::string(150, 'v')));
    ring.add(long_one);
  }
  for (std::size_t i = 0; i < span_ring::capacity; ++i) {
    ring.add(named_span("n"));
  }
  std::size_t notes = 0;
  (void)ring.read(0, [&](const span& each) {
    BOOST_TEST(each.name() == "n");
    each.for_each_note([&](std::string_view, std::string_view) { ++notes; });
  });
  BOOST_TEST(notes == 0U);
}

// A collector refuses a whole batch for one string that is no UTF-8.
BOOST_AUTO_TEST_CASE(a_name_that_is_no_text_spoils_no_batch) {
  span one;
  one.set_name("shop effect caf\xe9");
  BOOST_TEST(one.note("key", "value"));

  BOOST_TEST(one.name() == "unreadable name");
  one.for_each_note([](std::string_view key, std::string_view) { BOOST_TEST(key == "key"); });
}

BOOST_AUTO_TEST_CASE(a_collector_says_what_of_a_batch_it_has_not_taken) {
  using namespace std::string_view_literals;
  const auto some = read_otlp_answer("\x0a\x08\x08\x80\x04\x12\x03too"sv);
  BOOST_TEST(some.rejected == 512U);
  BOOST_TEST(some.why == "too");
  const auto warning = read_otlp_answer("\x0a\x05\x12\x03old"sv);
  BOOST_TEST(warning.rejected == 0U);
  BOOST_TEST(warning.why == "old");
  const auto later =
      read_otlp_answer("\x12\x01x\x0a\x05\x08\x03\x1a\x01x"sv); // Fields of a later release.
  BOOST_TEST(later.rejected == 3U);
  for (const std::string_view nothing :
       {""sv,
        "\x0a\x00"sv,
        "{}"sv,
        "\x0a\x7f\x08"sv,
        "\x0a\x02\x08\xff"sv,
        "\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv, // -1
        "<html>no such page</html>"sv}) {
    BOOST_TEST(read_otlp_answer(nothing).rejected == 0U);
    BOOST_TEST(read_otlp_answer(nothing).why.empty());
  }
}

BOOST_AUTO_TEST_CASE(a_collector_that_is_busy_is_asked_again_and_no_other) {
  for (const long status : {0L, 429L, 502L, 503L, 504L}) {
    BOOST_TEST((verdict_on_export(status) == export_verdict::again), status);
  }
  for (const long status : {200L, 202L}) {
    BOOST_TEST((verdict_on_export(status) == export_verdict::taken), status);
  }
  for (const long status : {301L, 400L, 401L, 404L, 413L, 500L, 501L, 505L}) {
    BOOST_TEST((verdict_on_export(status) == export_verdict::refused), status);
  }
}

BOOST_AUTO_TEST_CASE(a_ring_keeps_the_newest) {
  span_ring ring;
  BOOST_TEST(names_in(ring).empty());
  for (std::size_t i = 0; i < span_ring::capacity + 2; ++i) {
    ring.add(named_span(std::to_string(i)));
  }
  const auto found = names_in(ring);
  BOOST_REQUIRE(found.size() == span_ring::capacity);
  BOOST_TEST(found.front() == "2");
  BOOST_TEST(names_in(ring, span_ring::capacity + 1).size() == 1U);
  BOOST_TEST(ring.new_id() != ring.new_id());
}

BOOST_AUTO_TEST_CASE(who_reads_while_a_ring_is_written_sees_whole_spans) {
  span_ring ring;
  std::atomic<bool> done{false};
  std::thread writer{[&] {
    for (std::uint64_t i = 0; i < 20'000; ++i) {
      span made = named_span(std::to_string(i));
      made.id = made.parent = i;
      ring.add(made);
    }
    done = true;
  }};
  std::uint64_t next = 0;
  std::uint64_t seen = 0;
  bool is_whole = true;
  while (!done || next < ring.written()) {
    next = ring.read(next, [&](const span& each) {
      is_whole = is_whole && each.id == each.parent && each.name() == std::to_string(each.id);
      ++seen;
    });
  }
  writer.join();
  BOOST_TEST(is_whole);
  BOOST_TEST(seen >= span_ring::capacity);
  BOOST_TEST(next == 20'000U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::observe

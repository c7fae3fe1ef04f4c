#include "runtime/observe/span_names.hpp"
#include "runtime/observe/span_ring.hpp"
#include "runtime/observe/trace_context.hpp"
#include "tests/worker/process_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

constexpr std::string_view recorded =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 vendor=1";
constexpr std::string_view silent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// @tparam Clock the system's where effects are tried again: their pool waits for real.
template <class Clock>
struct traces_by {
  temporary_folder folder;
  Clock time;
  probe seen;
  observe::sampling sampling;
  std::unique_ptr<process> p = make("n1");

  std::unique_ptr<process> make(const std::string& node) {
    if constexpr (std::is_same_v<Clock, manual_clock>) {
      time.advance(1ms); // Incarnations sort by their birth.
    }
    capability_options options = things_options(folder);
    options.sampling = sampling;
    auto made = std::make_unique<process>(time, node, things_type(seen), std::move(options));
    made->start();
    return made;
  }

  void make_anew() {
    p.reset();
    p = make("n1");
  }

  uuid send(std::string_view operation, std::string_view trace) const {
    return send_thing(operation, "x", trace);
  }

  uuid send_thing(std::string_view operation, std::string_view name, std::string_view trace) const {
    item call;
    call.id = p->fresh_id();
    call.slot = 0;
    call.deadline = time.now() + 10s;
    call.taken = time.now();
    call.own_body(wire::encoded(thing{std::string{name}}));
    call.operation = operation;
    call.trace = trace;
    call.token = wire::digest_of_request(call.operation, call.body);
    const uuid id = call.id;
    p->front->queues().add_call({}) = std::move(call);
    p->front->queues().push_added();
    p->run();
    return id;
  }

  /// An event of `thing.put`, without a trace.
  void take_event() const {
    p->assign_all(1);
    p->run();
    p->deliver(1, "a", thing{"x"});
    p->run();
  }

  static std::map<std::string, std::string> notes_of(const observe::span& of) {
    std::map<std::string, std::string> found;
    of.for_each_note(
        [&](std::string_view key, std::string_view value) { found.emplace(key, value); });
    return found;
  }

  void join() const {
    p->journal_joined();
    p->confirm(0);
    p->run();
  }

  std::vector<observe::span> spans() const {
    std::vector<observe::span> found;
    p->front->parts().spans.for_each([&](const observe::span_ring& ring) {
      (void)ring.read(0, [&](const observe::span& each) { found.push_back(each); });
    });
    return found;
  }

  observe::span span_named(std::string_view name) const {
    for (const observe::span& each : spans()) {
      if (each.name() == name) {
        return each;
      }
    }
    BOOST_FAIL("no span " << name);
    return {};
  }

  std::string text(std::string_view sql) const {
    std::string found;
    auto take = [&](const store::row& row) { found = row.is_null(0) ? "NULL" : row.text(0); };
    p->store->database->query(sql, take);
    return found;
  }

  /// The span of the event that carries `text`, below which its consumers stand.
  observe::span publish_of(std::string_view text) const {
    const auto read = observe::read_trace(text);
    for (const observe::span& each : spans()) {
      if (read && each.id == read->span && each.kind == observe::span_kind::producer) {
        return each;
      }
    }
    BOOST_FAIL("no span of a publish for " << text);
    return {};
  }

  /// Whether `text` is that of an event of the trace of the tests, which `by` has published.
  bool is_published_by(std::string_view text, const observe::span& by) const {
    const observe::span made = publish_of(text);
    return is_below(text, made) && made.parent == by.id && made.name().starts_with("publish ");
  }

  /// Whether `text` is of the trace of the tests, below `above`.
  static bool is_below(std::string_view text, const observe::span& above) {
    const auto read = observe::read_trace(text);
    return read && read->trace == above.trace && read->span == above.id && read->is_recorded
           && observe::fields_of(text).tracestate == "vendor=1";
  }
};

using trace_fixture = traces_by<manual_clock>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_traces, trace_fixture, *utf::label("integration") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(what_a_call_publishes_has_its_trace_also_after_a_crash) {
  send("announce", recorded);

  const observe::span call = span_named("things.announce");
  BOOST_TEST(observe::hex_of(call.trace) == "4bf92f3577b34da6a3ce929d0e0e4736");
  BOOST_TEST(observe::hex_of(call.parent) == "00f067aa0ba902b7");
  BOOST_TEST(call.state() == "vendor=1");
  BOOST_TEST((call.kind == observe::span_kind::server));
  BOOST_TEST(!call.has_failed);
  BOOST_TEST(is_published_by(text("SELECT trace FROM outbox"), call));
  const observe::span published = publish_of(text("SELECT trace FROM outbox"));
  BOOST_TEST(published.state() == "vendor=1");

  make_anew(); // It dies before the event has left.
  join();
  p->resend(1, 1); // The broker asks for what it misses.
  p->run();
  BOOST_REQUIRE(p->relays.size() == 1U);
  BOOST_TEST(is_below(p->relays[0].trace, published));
}

BOOST_AUTO_TEST_CASE(what_leaves_from_memory_has_its_trace) {
  join();
  send("announce", recorded);

  BOOST_REQUIRE(p->relays.size() == 1U);
  BOOST_TEST(is_published_by(p->relays[0].trace, span_named("things.announce")));
}

BOOST_FIXTURE_TEST_CASE(
    an_effect_its_tries_and_its_settlement_are_one_tree, traces_by<system_clock>) {
  std::atomic<int> tries{0};
  std::string span_seen;
  seen.publishes_twice = true;
  seen.on_effect = [&](const effect_call& call) -> outcome<count> {
    span_seen = call.span;
    if (++tries == 1) {
      return failure{error{.code = errc::unavailable, .message = "not now"}};
    }
    return count{call.attempt};
  };
  send("send", recorded);
  const observe::span call = span_named("things.send");
  BOOST_TEST(is_published_by(text("SELECT trace FROM outbox WHERE seq = 1"), call));
  p->run_until([&] { return seen.settled == 1; });

  std::vector<observe::span> found;
  for (const observe::span& each : spans()) {
    if (each.name() == "things effect send") {
      found.push_back(each);
    }
  }
  BOOST_REQUIRE(found.size() == 2U);
  BOOST_TEST(found[0].has_failed);
  BOOST_TEST(!found[1].has_failed);
  BOOST_TEST((found[1].kind == observe::span_kind::client));
  BOOST_TEST(found[1].parent == call.id);
  BOOST_TEST(is_below(span_seen, found[1]));
  const observe::span settled = span_named("things settles an effect");
  BOOST_TEST(settled.parent == call.id);
  BOOST_TEST(is_published_by(text("SELECT trace FROM outbox WHERE seq = 2"), settled));
}

// Of a trace that nobody records, and of none.
BOOST_AUTO_TEST_CASE(an_effect_that_is_slow_has_a_span_in_any_case) {
  seen.on_effect = [&](const effect_call& call) -> outcome<count> {
    time.advance(1'100ms);
    return count{call.attempt};
  };
  send("send", std::string{silent} + " vendor=1");
  p->run_until([&] { return seen.settled == 1; });
  const uuid untraced = send_thing("send", "another", "");
  p->run_until([&] { return seen.settled == 2; });

  std::vector<observe::span> found;
  for (const observe::span& each : spans()) {
    if (each.name() == "things effect send") {
      found.push_back(each);
    }
  }
  BOOST_REQUIRE(found.size() == 2U);
  BOOST_TEST(!found[0].has_failed);
  BOOST_TEST(found[0].duration >= std::chrono::nanoseconds{1'100ms}.count());
  BOOST_TEST(observe::hex_of(found[0].parent) == "00f067aa0ba902b7");
  BOOST_TEST(found[0].state() == "vendor=1");
  BOOST_TEST(found[1].trace == untraced);
  BOOST_TEST(found[1].parent == observe::root_of(untraced).span);
}

BOOST_AUTO_TEST_CASE(a_timer_keeps_the_trace_until_it_is_due) {
  send("remind", recorded);
  const observe::span call = span_named("things.remind");
  BOOST_TEST(is_below(text("SELECT trace FROM timers"), call));
  make_anew();
  join();
  time.advance(2s);
  p->send({.what = item::kind::timers_due});
  p->run();

  BOOST_REQUIRE(p->relays.size() == 1U);
  BOOST_TEST(is_below(p->relays[0].trace, call));
}

BOOST_AUTO_TEST_CASE(a_handler_sees_its_place_in_the_trace_and_notes_what_it_likes) {
  sampling = observe::sampling{1};
  make_anew();
  std::string seen_span;
  seen.on_event = [&](const thing&, turn& turn, const event_info&) -> outcome<void> {
    seen_span = turn.span();
    turn.note("order.items", "12");
    turn.note(std::string(60, 'k'), "v"); // It is cut.
    return {};
  };
  take_event();

  const observe::span handled = span_named("things thing.put");
  const auto place = observe::read_trace(seen_span);
  BOOST_REQUIRE(place);
  BOOST_TEST(place->is_recorded);
  BOOST_TEST(place->span == handled.id);
  BOOST_TEST(place->trace == handled.trace);
  const auto notes = notes_of(handled);
  BOOST_TEST(notes.at("order.items") == "12");
  BOOST_TEST(notes.at(std::string(40, 'k')) == "v");
  BOOST_TEST(!notes.contains(std::string{observe::names::notes_lost}));
}

// For one that has, collectors refuse the batch with all spans of others.
BOOST_AUTO_TEST_CASE(no_span_has_a_key_twice) {
  sampling = observe::sampling{1};
  make_anew();
  seen.on_event = [&](const thing&, turn& turn, const event_info&) -> outcome<void> {
    turn.note("sku", "tea");
    turn.note("sku", "coffee");
    turn.note("troupe.capability", "another");
    turn.note("error.type", "mine");
    return failure{error{.code = errc::unavailable, .message = "away"}};
  };
  take_event();

  const observe::span handled = span_named("things thing.put");
  std::size_t count = 0;
  handled.for_each_note([&](std::string_view, std::string_view) { ++count; });
  const auto notes = notes_of(handled);
  BOOST_TEST(notes.size() == count);
  BOOST_TEST(notes.at("sku") == "coffee");
  BOOST_TEST(notes.at(std::string{observe::names::capability}) == "things");
  BOOST_TEST(notes.at(std::string{observe::names::error}) == "unavailable");
  BOOST_TEST(notes.at(std::string{observe::names::notes_lost}) == "1");
}

BOOST_AUTO_TEST_CASE(notes_without_room_are_left_out_and_counted) {
  sampling = observe::sampling{1};
  make_anew();
  seen.on_event = [&](const thing&, turn& turn, const event_info&) -> outcome<void> {
    for (char c = 'a'; c <= 'z'; ++c) {
      turn.note(std::string(1, c), std::string(10, c));
    }
    turn.note("bad", "\xff"); // No UTF-8.
    return {};
  };
  take_event();

  const observe::span handled = span_named("things thing.put");
  BOOST_TEST(handled.text_bytes <= observe::span::text_bytes_max);
  const auto notes = notes_of(handled);
  BOOST_TEST(notes.at("a") == "aaaaaaaaaa");
  BOOST_TEST(!notes.contains("bad"));
  std::size_t lost = 1;
  for (char c = 'a'; c <= 'z'; ++c) {
    lost += notes.contains(std::string(1, c)) ? 0 : 1;
  }
  lost += notes.contains(std::string{observe::names::replica}) ? 0 : 1;
  BOOST_REQUIRE(notes.contains(std::string{observe::names::notes_lost}));
  BOOST_TEST(notes.at(std::string{observe::names::notes_lost}) == std::to_string(lost));
}

BOOST_AUTO_TEST_CASE(notes_in_a_trace_that_is_not_recorded_are_nowhere) {
  std::string seen_span = "unseen";
  seen.on_event = [&](const thing&, turn& turn, const event_info&) -> outcome<void> {
    seen_span = turn.span();
    turn.note("order.items", "12");
    return {};
  };
  take_event();

  BOOST_TEST(seen_span.empty());
  BOOST_TEST(spans().empty());
}

// Whoever decided that a trace is not recorded did not know that this would be slow.
BOOST_AUTO_TEST_CASE(a_slow_handler_has_a_span_in_any_case) {
  milliseconds takes = 900ms;
  seen.on_handle = [&](const thing&) { time.advance(takes); };
  send("put", "");
  send("look", "");
  BOOST_TEST(spans().empty());

  takes = 1'100ms;
  const uuid slow = send("look", "");
  const observe::span query = span_named("things.look");
  BOOST_TEST(query.trace == slow);
  BOOST_TEST(query.parent == 0U);
  BOOST_TEST(query.duration >= std::chrono::nanoseconds{1'100ms}.count());
  BOOST_TEST(!query.has_failed);
  BOOST_TEST(notes_of(query).at(std::string{observe::names::handler_us}) == "1100000");

  const uuid command = send_thing("put", "another", "");
  BOOST_TEST(span_named("things.put").trace == command);
  send_thing("put", "a third", silent);
  BOOST_REQUIRE(spans().size() == 3U);
  BOOST_TEST(observe::hex_of(spans().back().trace) == "4bf92f3577b34da6a3ce929d0e0e4736");
}

BOOST_AUTO_TEST_CASE(a_trace_that_is_not_recorded_is_passed_on_as_it_is) {
  send("announce", silent);

  BOOST_TEST(text("SELECT trace FROM outbox") == silent);
  BOOST_TEST(spans().empty());
}

BOOST_AUTO_TEST_CASE(what_has_no_trace_leaves_none) {
  send("announce", "");

  BOOST_TEST(text("SELECT trace FROM outbox") == "NULL");
  BOOST_TEST(spans().empty());
}

BOOST_AUTO_TEST_CASE(a_share_begins_traces_under_the_ids_of_messages) {
  sampling = observe::sampling{1};
  make_anew();
  const uuid id = send("announce", "");

  const observe::span call = span_named("things.announce");
  BOOST_TEST(call.trace == id);
  BOOST_TEST(call.parent == 0U);
  const auto published = observe::read_trace(text("SELECT trace FROM outbox"));
  BOOST_REQUIRE(published);
  BOOST_TEST(published->trace == id);
  BOOST_TEST(publish_of(text("SELECT trace FROM outbox")).parent == call.id);
  BOOST_TEST(spans().size() == 2U);

  send("announce", silent); // Its caller has decided.
  BOOST_TEST(spans().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_capability_may_have_all_recorded) {
  sampling = observe::sampling{0, true};
  make_anew();
  send("announce", silent);

  BOOST_TEST(observe::says_recorded(text("SELECT trace FROM outbox")));
  BOOST_TEST(spans().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_failure_has_a_span_in_any_case_and_a_refusal_has_none) {
  send("refuse", silent);
  BOOST_TEST(spans().empty());
  send("throw", silent);

  const observe::span call = span_named("things.throw");
  BOOST_TEST(call.has_failed);
  BOOST_TEST(observe::hex_of(call.trace) == "4bf92f3577b34da6a3ce929d0e0e4736");
}

BOOST_AUTO_TEST_CASE(queries_have_spans) {
  send("count", recorded);
  send("look", silent);

  BOOST_TEST(spans().size() == 1U);
  BOOST_TEST(observe::hex_of(span_named("things.count").parent) == "00f067aa0ba902b7");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test

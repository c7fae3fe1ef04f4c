#pragma once

#include "runtime/broker/events/event_service.hpp"
#include "runtime/contains.hpp"
#include "runtime/wire/envelope.hpp"
#include "tests/broker/journal/journal_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::broker {

using namespace std::chrono_literals;

inline constexpr login_id n1{1};
inline constexpr origin alice{7};

/// A clock whose civil time a test puts wrong.
struct wrong_clock final : clock {
  explicit wrong_clock(const clock& other) : right{other} {}

  instant now() const override {
    passed += each_look;
    return right.now() + passed;
  }

  wall_time wall() const override { return right.wall() + wrong_by; }

  const clock& right;
  std::chrono::hours wrong_by{0};
  /// What everything between two looks at the clock takes.
  milliseconds each_look{0};
  mutable milliseconds passed{0};
};

/// An event service over a journal on disk; what it says comes here. Its time is the test's.
struct service_fixture : journal_fixture, event_links {
  wrong_clock clock{time};
  std::mutex mutex;
  std::condition_variable rung;
  int rings = 0;
  std::map<uuid, std::string> answers;
  std::map<uuid, error> refusals;
  std::vector<wire::assign> assigned;
  /// The positions of events that were sent to workers.
  std::vector<std::uint64_t> delivered;
  std::vector<std::string> reports;
  bus_options what;
  std::vector<retention_rule> rules;
  quarantine alone;
  cut_links cuts;
  // After the members that the journal's threads use.
  std::unique_ptr<event_service> service;

  /// Adds a dead letter, and the event that it is of, to a batch.
  dead_letter& give_up(
      journal_batch& to,
      const std::string& topic = "order.created",
      const std::string& capability = "mail") {
    dead_letter& letter = to.dead_letters.emplace_back();
    letter.id = ids.next(time.wall());
    letter.capability = capability;
    letter.what = make(topic);
    to.events.push_back(letter.what);
    return letter;
  }

  service_fixture() {
    options.sqlite.busy_timeout = 20ms;
    what.subscriptions.resize(1);
    what.subscriptions[0].capability = "mail";
    what.subscriptions[0].patterns = {"order.*"};
  }

  ~service_fixture() override { service.reset(); }

  void start() {
    auto opened = broker::journal::open(
        options, time, [this] { ring(); }, found);
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    service = std::make_unique<event_service>(
        clock,
        *this,
        alone,
        cuts,
        event_service_options{.kept = std::move(*opened), .bus = what, .rules = rules},
        found);
  }

  void ring() {
    const std::lock_guard lock{mutex};
    ++rings;
    rung.notify_all();
  }

  void pass_answer(origin, std::string_view header, std::string_view body) override {
    answers[wire::scan_header(header)->id] = body;
  }

  void pass_refusal(origin, const uuid& id, const error& why) override { refusals[id] = why; }

  void pass_message(login_id, std::string_view header, std::string_view body) override {
    const auto read = wire::scan_header(header);
    if (read->kind == wire::kind::assign) {
      assigned.push_back(*wire::checked_decode<wire::assign>(body));
    } else if (read->kind == wire::kind::event) {
      delivered.push_back(read->seq);
    }
  }

  bool is_placed_at(login_id, std::string_view) const override { return true; }

  void report(log_event event, instant) override { reports.push_back(std::move(event.name)); }

  bool has_report(std::string_view name) const { return contains(reports, name); }

  /// Lets time pass and the journal's threads work until `done`; fails after 20 seconds.
  template <class Done>
  void run_until(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    for (int seen = 0; !done();) {
      BOOST_REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, "it does not come");
      {
        std::unique_lock lock{mutex};
        rung.wait_for(lock, 1ms, [&] { return rings > seen; });
        seen = rings;
      }
      time.advance(1ms);
      service->due(time.now());
      service->tick(time.now());
    }
  }

  static int connection_of(origin whom) { return static_cast<int>(whom); }

  template <wire::message Request>
  uuid call(std::string_view operation, const Request& request, origin from = alice) {
    wire::header_view header;
    header.id = ids.next(time.wall());
    header.op = operation;
    header.ttl = 600'000;
    service->call(from, header, wire::encoded(request), connection_of(from), time.now());
    return header.id;
  }

  /// Published and on disk.
  void publish(std::string_view topic) {
    wire::header_view header;
    header.id = ids.next(time.wall());
    header.op = topic;
    header.key = "k";
    service->publish(alice, header, "body", time.now());
    run_until([&] { return answers.contains(header.id); });
  }

  /// Scheduled and on disk.
  uuid schedule(std::string_view topic, std::int64_t after) {
    wire::schedule_event later;
    later.topic = topic;
    later.after = after;
    later.body.bytes = "x";
    const uuid id = call("schedule", later);
    run_until([&] { return answers.contains(id); });
    return id;
  }

  template <wire::message Answer>
  Answer answer_of(const uuid& asked) {
    run_until([&] { return answers.contains(asked) || refusals.contains(asked); });
    BOOST_REQUIRE_MESSAGE(answers.contains(asked), refusals[asked].message);
    return *wire::checked_decode<Answer>(answers[asked]);
  }

  /// Asks for what the journal has of `pattern`, or waits for it.
  uuid read(const std::string& pattern, std::uint32_t wait_ms = 0) {
    wire::read_events asked;
    asked.patterns = {pattern};
    asked.after = 0;
    asked.wait_ms = wait_ms;
    return call("read", asked);
  }

  std::vector<wire::read_event> events_of(const uuid& asked) {
    run_until([&] { return answers.contains(asked); });
    return wire::checked_decode<wire::events_read>(answers[asked])->events;
  }

  template <wire::message Message>
  void say(wire::kind kind, const Message& message) {
    wire::header_view header;
    header.kind = kind;
    const auto heard = service->worker_said(n1, header, wire::encoded(message), time.now());
    BOOST_TEST(heard.has_value());
  }
};

} // namespace troupe::broker

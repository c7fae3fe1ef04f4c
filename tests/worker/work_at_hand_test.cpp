#include "runtime/worker/work_at_hand.hpp"

#include "tests/worker/process_fixture.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

using kind = work_at_hand::kind;

constexpr uuid one_id{.bytes = {std::byte{1}, std::byte{2}}};

uuid filled_with(int value) {
  uuid made;
  made.bytes.fill(static_cast<std::byte>(value));
  return made;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

struct at_hand_fixture {
  temporary_folder folder;
  system_clock time; // Effects are waited for.
  probe seen;
  ask_capability ask; // As the last instance that was made has it.
  std::atomic<int> asked{0};
  std::unique_ptr<process> p;

  at_hand_fixture() {
    actor_type type = things_type(seen);
    type.make = [this, make = type.make](const context& with) {
      ask = with.ask;
      return make(with);
    };
    p = std::make_unique<process>(time, "n1", type, things_options(folder));
    p->answer_calls([this](const capability_call&) -> outcome<std::string> {
      ++asked;
      return "answered";
    });
  }

  ~at_hand_fixture() { p.reset(); }

  work_at_hand::note at_hand() const {
    return p->runner->busy().at_hand().look().value_or(work_at_hand::note{});
  }

  /// Calls another capability, as authors do.
  outcome<std::string> call_other() const {
    return ask({.capability = "orders", .operation = "place", .body = {}});
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_work_at_hand, at_hand_fixture, *utf::label("integration") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(a_note_is_read_as_it_was_written_and_put_into_words) {
  work_at_hand at;
  const auto words = [&](kind what, std::string_view name = {}) {
    at.begin(what, name, one_id);
    const auto found = at.look();
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST((found->what == what));
    BOOST_TEST(found->message == one_id);
    return found->in("orders");
  };

  BOOST_TEST(work_at_hand{}.look()->in("orders") == "nothing that is known, in `orders`");
  BOOST_TEST(words(kind::call, "place") == "the handler of `orders.place`");
  BOOST_TEST(words(kind::event, "stock.low") == "the handler of the event `stock.low` in `orders`");
  BOOST_TEST(words(kind::settlement) == "the settlement of an effect of `orders`");
  BOOST_TEST(words(kind::settlement, "mail") == "the settlement of the effect `orders.mail`");
  BOOST_TEST(words(kind::saga) == "a saga of `orders`");
  BOOST_TEST(words(kind::regular) == "the regular work of `orders`");
  BOOST_TEST(words(kind::constructor) == "the constructor of the actor of `orders`");
  BOOST_TEST(words(kind::commit) == "the commit of a turn of `orders`");
  BOOST_TEST(words(kind::own) == "the runtime's own work for `orders`");
  BOOST_TEST(
      words(kind::own, "housekeeping") == "the runtime's own work for `orders` (housekeeping)");
}

BOOST_AUTO_TEST_CASE(a_name_of_any_length_is_kept_up_to_its_limit_and_leaves_nothing_behind) {
  work_at_hand at;
  for (std::size_t size = 70; size != 0; --size) {
    const std::string name(size, static_cast<char>('a' + size % 26));
    at.begin(kind::event, name);

    BOOST_TEST(at.look()->name == name.substr(0, 64));
  }
}

BOOST_AUTO_TEST_CASE(whoever_reads_while_it_is_written_gets_one_note_or_none) {
  work_at_hand at;
  std::atomic<bool> is_over{false};
  std::thread writer{[&] {
    for (int round = 0; !is_over; ++round) {
      const int digit = round % 8;
      at.begin(
          kind::call,
          std::string(static_cast<std::size_t>(8 * digit + 1), static_cast<char>('a' + digit)),
          filled_with(digit + 1));
    }
  }};
  int read = 0;
  while (read < 20'000) {
    const auto found = at.look();
    if (!found || found->name.empty()) {
      continue;
    }
    ++read;
    const int digit = found->name.front() - 'a';
    const bool is_whole =
        found->name
            == std::string(static_cast<std::size_t>(8 * digit + 1), static_cast<char>('a' + digit))
        && found->message == filled_with(digit + 1);
    BOOST_REQUIRE(is_whole);
  }
  is_over = true;
  writer.join();
}

BOOST_AUTO_TEST_CASE(each_kind_of_handler_is_named_with_its_message) {
  work_at_hand::note found;
  seen.on_make = [&] { found = at_hand(); };
  p->start();
  BOOST_TEST((found.what == kind::constructor));
  seen.on_make = {};

  seen.on_handle = [&](const thing&) { found = at_hand(); };
  const uuid query = p->fresh_id();
  p->call(query, "look", thing{});
  BOOST_TEST(found.in("things") == "the handler of `things.look`");
  BOOST_TEST(found.message == query);
  const uuid command = p->fresh_id();
  p->call(command, "put", thing{"a"});
  BOOST_TEST(found.in("things") == "the handler of `things.put`");
  BOOST_TEST(found.message == command);

  seen.on_handle = {};
  seen.on_event = [&](const thing&, turn&, const event_info& info) -> outcome<void> {
    found = at_hand();
    BOOST_TEST(found.message == info.id);
    return {};
  };
  p->assign_all(1);
  p->run();
  p->deliver(1, "k", thing{"b"}, "thing.told");
  p->run();
  BOOST_TEST(found.in("things") == "the handler of the event `thing.told` in `things`");

  seen.on_settle = [&]() -> outcome<void> {
    found = at_hand();
    return {};
  };
  p->call("send", thing{"c"});
  p->run_until([&] { return seen.settled == 1; });
  BOOST_TEST(found.in("things") == "the settlement of the effect `things.send`");
  BOOST_TEST(found.message == seen.effect_keys.front());
  BOOST_TEST((at_hand().what == kind::commit));
}

// It held the capability's lock while it waited, for itself where it asked its own capability.
BOOST_AUTO_TEST_CASE(a_handler_that_asks_another_capability_is_refused_and_told_what_to_do) {
  std::optional<outcome<std::string>> got;
  const auto check = [&](const char* where) {
    BOOST_TEST_CONTEXT(where) {
      BOOST_REQUIRE(got.has_value());
      BOOST_REQUIRE(!got->has_value());
      BOOST_TEST(got->error().code == errc::internal);
      BOOST_TEST(has(got->error().message, where));
      BOOST_TEST(has(got->error().message, "`orders.place` was asked for in"));
      BOOST_TEST(has(got->error().message, "the `run` of an effect"));
      got.reset();
    }
  };
  seen.on_make = [&] { got = call_other(); };
  p->start();
  check("the constructor of the actor of `things`");
  seen.on_make = {};

  seen.on_handle = [&](const thing&) { got = call_other(); };
  p->call("put", thing{"a"});
  check("the handler of `things.put`");
  p->call("look", thing{});
  check("the handler of `things.look`");

  seen.on_handle = {};
  seen.on_event = [&](const thing&, turn&, const event_info&) -> outcome<void> {
    got = call_other();
    return {};
  };
  p->assign_all(1);
  p->run();
  p->deliver(1, "k", thing{"b"});
  p->run();
  check("the handler of the event `thing.put`");

  seen.on_settle = [&]() -> outcome<void> {
    got = call_other();
    return {};
  };
  p->call("send", thing{"c"});
  p->run_until([&] { return seen.settled == 1; });
  check("the settlement of the effect `things.send`");
  BOOST_TEST(asked == 0);
}

BOOST_AUTO_TEST_CASE(an_effect_asks_and_so_does_its_instance_while_it_is_made) {
  p->start();
  seen.on_make = [&] { (void)call_other(); };
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    const auto answered = call_other();
    return answered ? outcome<count>{count{}} : failure{answered.error()};
  };

  p->call("send", thing{"a"});
  p->run_until([&] { return seen.settled == 1; });

  BOOST_TEST(asked == 2);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test

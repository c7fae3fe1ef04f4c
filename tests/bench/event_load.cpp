#include "tests/bench/event_load.hpp"

#include "actors/notes/messages.hpp"
#include "runtime/client/client.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "tests/bench/bodies.hpp"
#include "tests/bench/call_window.hpp"
#include "tests/bench/ticker.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

namespace troupe::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::seconds handled_within{300};
constexpr std::chrono::milliseconds look_every{2};
constexpr std::size_t digits = 12;

outcome<std::unique_ptr<client::client>> dial(const target& whom, const char* name) {
  return client::client::open({.brokers = {whom.broker}, .name = name});
}

template <wire::message Reply, wire::message Request>
outcome<Reply>
ask(client::client& client,
    std::string_view capability,
    std::string_view operation,
    const Request& request) {
  client::call_request rest{.capability = {}, .operation = {}, .body = {}};
  rest.deadline = first_call_within;
  return client.call<Reply>(capability, operation, request, rest);
}

outcome<wire::events_read>
read(client::client& client, std::optional<std::uint64_t> after, std::uint32_t wait_ms) {
  wire::read_events what;
  what.patterns = {"noted"};
  what.after = after;
  what.count = 1000;
  what.wait_ms = wait_ms;
  return ask<wire::events_read>(client, "troupe.events", "read", what);
}

outcome<std::int64_t> notes_kept(client::client& client) {
  return ask<notes::note_count>(client, "notes", "count", notes::count_notes{})
      .transform([](const notes::note_count& answer) { return answer.count; });
}

/// Events that `capability` has yet to handle.
outcome<std::uint64_t> lag_of(client::client& client, const std::string& capability) {
  TROUPE_TRY(
      const auto state,
      ask<wire::topics_state>(client, "troupe.events", "topics", wire::get_topics{}));
  for (const wire::group_state& each : state.groups) {
    if (each.capability == capability) {
      return each.lag;
    }
  }
  return failure{{.code = errc::invalid, .message = capability + " subscribes to nothing"}};
}

/// Asks again and again, but spends a twentieth of the time on it at most: with a thousand groups
/// an answer is long.
outcome<void> await_handled(client::client& client, const std::string& capability) {
  const instant until = clock::now() + handled_within;
  ticker ticks{look_every};
  for (instant asked = clock::now(); asked < until; asked = clock::now()) {
    TROUPE_TRY(const auto lag, lag_of(client, capability));
    if (lag == 0) {
      return {};
    }
    for (const instant next = asked + 20 * (clock::now() - asked); clock::now() < next;) {
      ticks.wait();
    }
    ticks.wait();
  }
  return failure{{.code = errc::deadline_exceeded, .message = "the events were not handled"}};
}

/// Counts answers and remembers the first refusal.
struct tally {
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  std::string first_failure;

  void add(const std::vector<call_window::ended>& some) {
    for (const call_window::ended& each : some) {
      ++answered;
      if (each.why != nullptr && failed++ == 0) {
        first_failure = each.why->message;
      }
    }
  }

  nlohmann::ordered_json line(const load_options& options) const {
    nlohmann::ordered_json made{
        {"system", "troupe"}, {"window", options.window}, {"failures", failed}};
    if (failed != 0) {
      made["first_failure"] = first_failure;
    }
    return made;
  }
};

/// Publishes until told to stop, and takes the last confirmation.
template <class Stop>
outcome<tally> publish_until(call_window& window, const Stop& stop) {
  tally all;
  while (!stop(window)) {
    TROUPE_CHECK(window.fill());
    all.add(window.take(call_within));
  }
  while (window.outstanding() > 0) {
    all.add(window.take(call_within));
  }
  return all;
}

} // namespace

outcome<std::string> measure_handled(
    const target& whom,
    const load_options& options,
    const std::string& capability,
    std::uint64_t count) {
  TROUPE_TRY(auto opened, dial(whom, "bench"));
  client::client& client = *opened;
  if (auto ready = await_handled(client, capability); !ready) {
    return failure{ready.error()}; // Events that others published before have to be handled first.
  }
  TROUPE_TRY(const auto before, notes_kept(client));

  call_window window{client, whom, options.window};
  const instant begin = clock::now();
  const instant end = begin + std::chrono::duration_cast<instant::duration>(options.measured);
  TROUPE_TRY(const auto all, publish_until(window, [&](const call_window& at) {
               return count != 0 ? at.submitted() >= count : at.now() >= end;
             }));
  const instant confirmed = clock::now();
  TROUPE_CHECK(await_handled(client, capability));
  const instant handled = clock::now();
  TROUPE_TRY(const auto after, notes_kept(client));
  const auto kept = static_cast<std::uint64_t>(after - before);
  if (kept != all.answered - all.failed) {
    return failure{
        {.code = errc::internal,
         .message = fmt::format(
             "{} events were confirmed, and {} notes kept", all.answered - all.failed, kept)}};
  }
  const std::chrono::duration<double> took = handled - begin;
  const std::chrono::duration<double> publishing = confirmed - begin;
  auto line = all.line(options);
  line["events"] = kept;
  line["rate_per_s"] = static_cast<double>(kept) / took.count();
  line["publish_per_s"] = static_cast<double>(kept) / publishing.count();
  return line.dump();
}

outcome<std::string> fill(const target& whom, const load_options& options, std::uint64_t count) {
  TROUPE_TRY(auto opened, dial(whom, "bench"));
  call_window window{*opened, whom, options.window};
  const instant begin = clock::now();
  TROUPE_TRY(const auto all, publish_until(window, [&](const call_window& at) {
               return at.submitted() >= count;
             }));
  const std::chrono::duration<double> took = clock::now() - begin;
  auto line = all.line(options);
  line["events"] = all.answered - all.failed;
  line["rate_per_s"] = static_cast<double>(all.answered) / took.count();
  return line.dump();
}

namespace {

/// The number of the event that a `noted` event tells of: the first digits of its text.
std::optional<std::size_t> number_in(const std::string& body) {
  const auto note = wire::checked_decode<notes::noted>(body);
  std::size_t number = 0;
  if (!note || note->text.size() < digits
      || std::from_chars(note->text.data(), note->text.data() + digits, number).ec != std::errc{}) {
    return std::nullopt;
  }
  return number;
}

/// When each event was published, for the threads that see what becomes of it.
class departures {
public:
  explicit departures(std::size_t count) : at_(count) {}

  std::size_t count() const { return at_.size(); }

  void set(std::size_t number, instant when) { at_[number] = when.time_since_epoch().count(); }

  instant operator[](std::size_t number) const {
    return instant{instant::duration{at_[number].load()}};
  }

private:
  std::vector<std::atomic<instant::rep>> at_;
};

struct followed {
  figure times;
  std::size_t seen = 0;
  std::optional<error> why{};
};

/// Reads `noted` from `place` on until all that departed has been told of.
void follow(client::client& client, std::uint64_t place, const departures& all, followed& into) {
  const instant until = clock::now() + handled_within;
  while (into.seen < all.count() && clock::now() < until) {
    const auto some = read(client, place, 1000);
    const instant now = clock::now();
    if (!some) {
      into.why = some.error();
      return;
    }
    place = some->next;
    for (const wire::read_event& each : some->events) {
      if (const auto number = number_in(each.body.bytes); number && *number < all.count()) {
        into.times.answered(all[*number], now);
        ++into.seen;
      }
    }
  }
}

void take_confirmations(
    client::client& client, const departures& all, figure& times, std::atomic<bool>& is_over) {
  std::vector<client::completion> ended;
  for (std::size_t taken = 0; taken < all.count() && !is_over;) {
    client.completions(ended, milliseconds{100});
    const instant now = clock::now();
    for (const client::completion& each : ended) {
      ++taken;
      if (each.answer) {
        times.answered(all[each.token], now);
      } else {
        times.failed(each.answer.error().message);
      }
    }
  }
}

/// Each at its moment: 1 / `rate` seconds after the one before.
outcome<void>
publish_paced(client::client& client, const target& whom, std::uint32_t rate, departures& all) {
  const std::string padding(body_bytes - digits - 8, 'x'); // 8 bytes are MessagePack's.
  const auto keys = keys_for(whom);
  ticker moments{std::chrono::nanoseconds{1'000'000'000 / rate}};
  for (std::size_t i = 0; i < all.count(); ++i) {
    const std::string body =
        wire::encoded(notes::add_note{fmt::format("{:0{}}", i, digits) + padding});
    moments.wait();
    all.set(i, clock::now());
    TROUPE_CHECK(client.submit(client::call_request{
        .capability = whom.capability,
        .operation = whom.operation,
        .body = body,
        .key = keys[i % keys.size()],
        .deadline = call_within,
        .token = i}));
  }
  return {};
}

} // namespace

outcome<std::string>
measure_latency(const target& whom, const load_options& options, std::uint32_t rate) {
  auto publisher = dial(whom, "bench");
  auto follower = dial(whom, "bench-follower");
  if (!publisher || !follower) {
    return failure{publisher ? follower.error() : publisher.error()};
  }
  TROUPE_CHECK(notes_kept(**publisher));
  TROUPE_TRY(const auto place, read(**follower, std::nullopt, 0));
  const std::chrono::duration<double> seconds = options.warm_up + options.measured;
  departures all{static_cast<std::size_t>(seconds.count() * rate)};
  const instant begin = clock::now();
  followed told{figure{options, begin}};
  figure confirmed{options, begin};
  std::atomic<bool> is_over{false};
  outcome<void> sent;
  {
    const std::jthread taker{[&] { take_confirmations(**publisher, all, confirmed, is_over); }};
    {
      const std::jthread reader{[&] { follow(**follower, place.next, all, told); }};
      sent = publish_paced(**publisher, whom, rate, all);
      if (!sent) {
        (*follower)->close(milliseconds{0});
      }
    }
    is_over = true;
  }
  if (!sent) {
    return failure{sent.error()};
  }
  if (told.why) {
    return failure{*told.why};
  }
  if (told.seen < all.count()) {
    return failure{
        {.code = errc::deadline_exceeded,
         .message = fmt::format("{} of {} events were told of", told.seen, all.count())}};
  }
  auto line = nlohmann::ordered_json::parse(told.times.to_json("troupe", ""));
  const auto confirmations = nlohmann::ordered_json::parse(confirmed.to_json("troupe", ""));
  line["events"] = all.count();
  line["confirmed_p50_us"] = confirmations["p50_us"];
  line["confirmed_p99_us"] = confirmations["p99_us"];
  line["failures"] = confirmations["failures"];
  return line.dump();
}

} // namespace troupe::bench

#include "nodes/commands/tail.hpp"

#include "nodes/connection.hpp"
#include "nodes/stop_signals.hpp"
#include "nodes/text_table.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <memory>

namespace troupe {

namespace {

using namespace std::chrono_literals;
using wire::json_object;

// How long the broker holds a question while there are no events.
constexpr auto patience = 10s;
// Additional time allowed for the answer.
constexpr auto answer_within = 5s;
constexpr std::uint32_t events_per_answer = 200;
// Enough for a UUID.
constexpr std::size_t key_width_max = 40;

std::string body_json(const wire::binary_value& body) {
  return wire::json_of(body.bytes);
}

std::string json_line(const wire::read_event& event) {
  json_object line;
  line.add("position", event.position)
      .add("id", event.id)
      .add("topic", event.topic)
      .add("key", event.key)
      .add("source", event.source)
      .add("time", utc_time_text(milliseconds{event.time}))
      .add("traceparent", event.traceparent)
      .add_json("body", body_json(event.body));
  return line.text() + '\n';
}

struct tail_arguments : connect_arguments {
  std::vector<std::string> patterns;
  std::string from = "new";
  /// Ends after this many events; 0: never.
  std::uint64_t count = 0;
};

/// Follows topics over a connection: asks, prints, and asks again.
class tail {
public:
  tail(connection& over, const tail_arguments& given, const sigset_t& stop_signals)
      : over_{over}, given_{given}, stop_signals_{stop_signals} {
    question_.patterns = given.patterns;
    if (question_.patterns.empty()) {
      question_.patterns.emplace_back("*");
    }
    question_.from = given.from;
    // The first answer only gives a position in the journal, and should come at once: events
    // published after it cannot be missed, whatever fails.
    question_.wait_ms = 0;
  }

  /// Follows the topics until a stop signal arrives, enough events were printed, or no more answers
  /// can come.
  int run() {
    while (!is_full()) {
      const std::uint64_t left = given_.count == 0 ? events_per_answer : given_.count - printed_;
      question_.count =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(left, events_per_answer));
      const auto answer = ask();
      if (!answer) {
        return exit_code::ok;
      }
      if (*answer) {
        if (const int code = take(**answer); code != exit_code::ok) {
          return code;
        }
      } else if (!go_on_after(answer->error())) {
        return print_journal_error(answer->error(), given_.json);
      } else if (stopped_) {
        return exit_code::ok;
      }
    }
    return exit_code::ok;
  }

private:
  /// Whether both ids are known and they differ.
  static bool differ(const uuid& one, const uuid& other) {
    return one != uuid{} && other != uuid{} && one != other;
  }

  bool is_full() const { return given_.count != 0 && printed_ >= given_.count; }

  /// The answer to the question, or nothing after a stop signal.
  std::optional<outcome<wire::events_read>> ask() {
    const std::string body = wire::encoded(question_);
    TROUPE_CHECK(over_.calls().submit(
        {.capability = "troupe.events",
         .operation = "read",
         .body = body,
         .key = {},
         .deadline = milliseconds{question_.wait_ms} + answer_within}));
    std::vector<client::completion> done;
    while (over_.calls().completions(done, 50ms) == 0) {
      if (stop_signal_comes(stop_signals_, 0ms)) {
        return std::nullopt;
      }
    }
    return done.front().answer.and_then([](const client::reply_body& reply) {
      return wire::checked_decode<wire::events_read>(reply.bytes);
    });
  }

  int take(const wire::events_read& answer) {
    if (is_waiting_) {
      print_aside("troupe tail: the broker answers again\n");
      is_waiting_ = false;
    }
    if (question_.after && answer.last < *question_.after) {
      return print_error(
          {.code = errc::conflict,
           .message = fmt::format(
               "the journal ends at {}, and this tail was at {}: it is another one",
               answer.last,
               *question_.after)},
          given_.json,
          "start again; --from oldest shows all that this one has");
    }
    if (question_.after && differ(life_, answer.after_life.value_or(uuid{}))) {
      return print_error(
          {.code = errc::conflict,
           .message = fmt::format(
               "the journal was written by others up to position {}, where this tail was: it is "
               "another one, or a copy that was brought back",
               *question_.after)},
          given_.json,
          "start again; --from oldest shows all that this one has");
    }
    life_ = answer.life.value_or(uuid{});
    if (answer.deleted_to.value_or(0) > told_deleted_) {
      told_deleted_ = *answer.deleted_to;
      print_aside(fmt::format(
          "troupe tail: retention has deleted events behind position {}, up to {}; they are "
          "missing here\n",
          question_.after.value_or(0),
          *answer.deleted_to));
    }
    // The columns grow as events arrive, so that lines stay aligned without knowing all of them
    // beforehand.
    for (const wire::read_event& event : answer.events) {
      topic_width_ = std::max(topic_width_, width_of(event.topic));
      key_width_ = std::max(key_width_, width_of(cell_text(event.key, key_width_max)));
    }
    for (const wire::read_event& event : answer.events) {
      print(event);
    }
    // Flush now, since the reader is waiting.
    if (const int code = written_out(exit_code::ok); code != exit_code::ok) {
      return code;
    }
    printed_ += answer.events.size();
    question_.after = answer.next;
    question_.from.reset();
    question_.wait_ms = static_cast<std::uint32_t>(milliseconds{patience}.count());
    return exit_code::ok;
  }

  void print(const wire::read_event& event) {
    if (given_.json) {
      fmt::print("{}", json_line(event));
      return;
    }
    fmt::print(
        "{:>8}  {}  {:<{}}  {:<{}}  {}\n",
        event.position,
        utc_time_text(milliseconds{event.time}),
        cell_text(event.topic),
        topic_width_,
        cell_text(event.key, key_width_max),
        key_width_,
        cell_text(body_json(event.body), std::string::npos));
  }

  /// Whether asking again makes sense; waits a moment if the question was refused at once.
  bool go_on_after(const error& why) {
    const bool may_pass =
        verdict_on(why.code).asks_for_patience || why.code == errc::deadline_exceeded;
    if (!may_pass || is_wrong_broker(why)) {
      return false;
    }
    if (!is_waiting_) {
      print_aside(fmt::format(
          "troupe tail: no answer ({}); it continues {} when the broker is back\n",
          message_of(why),
          question_.after ? fmt::format("behind position {}", *question_.after) : "from there"));
      is_waiting_ = true;
    }
    const milliseconds pause =
        why.code == errc::deadline_exceeded ? 0ms : why.retry_after.value_or(500ms);
    stopped_ = stop_signal_comes(stop_signals_, std::min<milliseconds>(pause, answer_within));
    return true;
  }

  connection& over_;
  const tail_arguments& given_;
  const sigset_t& stop_signals_;
  wire::read_events question_;
  std::uint64_t printed_ = 0;
  uuid life_; // The life of the journal that wrote the current position.
  std::uint64_t told_deleted_ = 0;
  std::size_t topic_width_ = 16;
  std::size_t key_width_ = 1;
  bool is_waiting_ = false;
  bool stopped_ = false;
};

std::string check_place(const std::string& from) {
  return from == "new" || from == "oldest" || parse_utc_time(from)
             ? ""
             : fmt::format(
                 "--from `{}`: write new, oldest or a UTC time such as 2026-11-24T08:00:00Z", from);
}

int run(const tail_arguments& given) {
  // Block the signals before the client starts its thread, which inherits the mask.
  const sigset_t stop_signals = block_stop_signals();
  auto over = connection::open("tail", given, needs::journal);
  return over ? tail{*over, given, stop_signals}.run() : over.error();
}

} // namespace

void add_tail(command_line& line) {
  const auto given = std::make_shared<tail_arguments>();
  command tail = line.add("tail", "Prints events as they arrive");
  add_connection(line, tail, *given);
  tail.words("PATTERN...", given->patterns, "topics: names, PREFIX.* or '*' ['*']", check_pattern)
      .option("--from", given->from, "new, oldest or a UTC time [new]", check_place)
      .option(
          "--count",
          given->count,
          "ends after this many events [never]",
          1,
          std::numeric_limits<std::uint32_t>::max())
      .footer(with_exit_codes("Runs until Ctrl-C, also across restarts of the broker, and reports "
                              "events that it has to leave out."))
      .runs([given] { return run(*given); });
}

} // namespace troupe

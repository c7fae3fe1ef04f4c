#pragma once

#include "runtime/outcome.hpp"
#include "topology/faults.hpp"
#include "topology/plan.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What the `troupe` command ends with.
namespace exit_code {
inline constexpr int ok = 0;
/// The topology has faults.
inline constexpr int faults = 1;
/// The command line cannot be used.
inline constexpr int usage = 2;
/// The business said no (`rejected`).
inline constexpr int rejected = 3;
/// Any other error.
inline constexpr int error = 4;
/// No answer in time.
inline constexpr int deadline = 5;
} // namespace exit_code

struct check_arguments {
  std::string file;
  bool json = false;
};

/// Prints what the file says, or everything that is wrong with it.
int run_check(const check_arguments& given);

struct up_arguments {
  std::string file;
  /// Empty: the folder `log` beside the file.
  std::string log_folder;
  bool json = false;
};

/// Runs the local nodes until a signal says stop.
int run_up(const up_arguments& given);

struct call_arguments {
  /// FILE unless brokers are given, then CAPABILITY.OPERATION, then the body as JSON.
  std::vector<std::string> words;
  std::vector<std::string> brokers;
  std::string key;
  std::string id;
  std::string deadline = "5s";
  bool json = false;
};

/// Calls one operation: JSON in, JSON out.
int run_call(const call_arguments& given);

/// Whom a command talks to, and how long it waits.
struct connect_arguments {
  /// FILE unless brokers are given, then what the command takes.
  std::vector<std::string> words;
  std::vector<std::string> brokers;
  std::string deadline = "5s";
  bool json = false;
};

struct publish_arguments : connect_arguments {
  std::string key;
  std::string id;
  /// At most one of the two.
  std::string at;
  std::string after;
};

/// Publishes one event, now or later: TOPIC, JSON.
int run_publish(const publish_arguments& given);

struct tail_arguments : connect_arguments {
  std::string from = "new";
  /// Ends after so many; 0: never.
  std::uint64_t count = 0;
};

/// Prints the events of topics as they come: PATTERN...
int run_tail(const tail_arguments& given);

/// What is in the journal, and how far the subscribed capabilities have come.
int run_topics(const connect_arguments& given);

struct letters_arguments : connect_arguments {
  std::string capability;
  std::string after;
  std::uint32_t count = 100;
  bool all = false;
};

/// Dead letters: a list; one (ID); delivers one (ID) or all again; forgets one (ID).
int run_letters_list(const letters_arguments& given);
int run_letters_show(const letters_arguments& given);
int run_letters_retry(const letters_arguments& given);
int run_letters_drop(const letters_arguments& given);

/// What happened to one thing of an event-sourced capability: CAPABILITY, ID.
int run_history(const connect_arguments& given);

/// Makes what follows from the events of a capability anew: CAPABILITY.
int run_rebuild(const connect_arguments& given);

struct status_arguments {
  std::string file;
  std::string deadline = "1s";
  bool json = false;
};

/// Asks every broker and node how it is.
int run_status(const status_arguments& given);

struct breaker_arguments {
  std::string file;
  std::string capability;
  /// "open", "closed", "disabled" or "auto"; empty: only looks.
  std::string state;
  std::string why;
  /// Only this one; empty: every node of the capability.
  std::string node;
  std::string deadline = "2s";
  bool json = false;
};

/// How the breakers of a capability are, or takes them over, or gives them back.
int run_breaker(const breaker_arguments& given);

/// The plan in `file`, or nothing after its faults were printed (to stdout if as JSON, else to
/// stderr).
std::optional<topology::plan> load_plan(const std::string& file, bool json);

/// Prints `why` for a person to stderr, or as one JSON line to stdout; the exit code for it.
/// @param next what to do next, where that is not what it is after a call.
int print_error(const error& why, bool json, std::string_view next = {});

/// Says what is wrong with the command line, where `print_error` would; `exit_code::usage`.
/// @param command its name: "publish"; empty for `troupe` itself.
int print_wrong_usage(std::string_view command, std::string_view what, bool json);

/// Prints to stderr, behind what was printed to stdout: both may go to the same place.
void print_aside(std::string_view text);

/// Writes out what was printed to stdout.
/// @return `code`, or `exit_code::error` for `ok` after it was said that this cannot be done.
int written_out(int code);

/// The message of `why`, without the advice to ask under the same id where nobody was told one.
std::string_view message_of(const error& why);

} // namespace troupe

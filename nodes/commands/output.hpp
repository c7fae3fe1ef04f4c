#pragma once

#include "runtime/outcome.hpp"

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace troupe {

/// The exit codes of the `troupe` command.
namespace exit_code {
inline constexpr int ok = 0;
/// The topology has faults.
inline constexpr int faults = 1;
/// Wrong usage of the command line.
inline constexpr int usage = 2;
/// The business refused (`rejected`).
inline constexpr int rejected = 3;
/// Any other error.
inline constexpr int error = 4;
/// No answer in time.
inline constexpr int deadline = 5;
} // namespace exit_code

/// The reason (`details.reason`) of an error that is about the command's own key.
inline constexpr std::string_view no_own_key = "no_own_key";

/// The end of a command's help: `text`, if any, and the exit codes.
std::string with_exit_codes(const std::string& text = {});

/// A value; or the exit code, if an error was printed.
template <class Value>
using or_exit = tl::expected<Value, int>;

/// Prints `why` as text to stderr, or as one JSON line to stdout.
/// @param next advice that replaces the usual one for this error.
/// @return its exit code.
int print_error(const error& why, bool json, std::string_view next = {});

/// The value of `found`; or the exit code, after its error was printed by `print_error`.
template <class Value>
or_exit<Value> or_print(outcome<Value> found, bool json, std::string_view next = {}) {
  return std::move(found).map_error([&](const error& why) { return print_error(why, json, next); });
}

/// Prints what is wrong with the command line, in the way of `print_error`.
/// @param command its name: "publish"; empty for `troupe` itself.
/// @return `exit_code::usage`.
int print_wrong_usage(std::string_view command, std::string_view what, bool json);

/// Prints to stderr, after flushing stdout, since both may be the same terminal.
void print_aside(std::string_view text);

/// Flushes stdout.
/// @return `code`; but `exit_code::error` instead of `ok` if flushing failed, after an error was
/// printed.
int written_out(int code);

/// The message of `why`, without the advice to repeat the id if no id was shown.
std::string_view message_of(const error& why);

} // namespace troupe

#define TROUPE_DETAIL_TRY_EXIT(held, declared, ...)                                                \
  auto held = __VA_ARGS__;                                                                         \
  if (!held) {                                                                                     \
    return held.error();                                                                           \
  }                                                                                                \
  declared = *std::move(held)

/// Declares a variable with the value of an `or_exit`, or returns its exit code from the `int`
/// function around it: `TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));`. The
/// rules are those of `TROUPE_TRY` (runtime/outcome.hpp).
#define TROUPE_TRY_EXIT(declared, ...)                                                             \
  TROUPE_DETAIL_TRY_EXIT(TROUPE_DETAIL_HELD, declared, __VA_ARGS__)

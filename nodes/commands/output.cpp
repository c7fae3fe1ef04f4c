#include "nodes/commands/output.hpp"

#include "runtime/characters.hpp"
#include "runtime/wire/json.hpp"

#include <cerrno>
#include <cstdio>
#include <fmt/format.h>
#include <system_error>

namespace troupe {

namespace {

/// Advice for the reader of `why`; empty if the message itself gives it.
std::string advice(const error& why) {
  const std::string_view id = why.detail("id");
  if (!why.detail("login_refused").empty()) {
    return "the broker is up and refuses this command: follow its message; the key used is "
           "that of `operator`, or of the name in TROUPE_AS";
  }
  if (why.detail("reason") == no_own_key) {
    return "run it where that key is, as a user who may read it; or name one that is here in the "
           "environment: TROUPE_AS=NAME (`troupe keys list FILE`)";
  }
  switch (why.code) {
  case errc::unavailable:
  case errc::deadline_exceeded:
  case errc::overloaded:
    if (why.possible == effect::unknown && !id.empty()) {
      return fmt::format("repeat it with --id {}: what was done is answered, not done twice", id);
    }
    return why.code == errc::deadline_exceeded && why.possible == effect::none
               ? "is the system up? `troupe up FILE` starts it, `troupe status FILE` shows its "
                 "state"
           : why.code == errc::unavailable ? "`troupe status FILE` shows its state, and "
                                             "log/NAME.log why (a full disk, a locked "
                                             "database); then try again"
                                           : "try again, or give it more time with --deadline";
  case errc::unknown_capability:
  case errc::unknown_operation:
    return "`troupe check FILE` lists the capabilities and their operations";
  case errc::circuit_open:
    return "`troupe breaker FILE CAPABILITY` shows its state, and which operator opened it, if one "
           "did";
  case errc::conflict:
    return "this --id was used for something else: leave it out to get a new one";
  case errc::invalid:
    return "change the request as the message says";
  case errc::crashed:
  case errc::internal:
    return "the nodes' log files have the details";
  default:
    return "";
  }
}

int code_for(errc code) {
  switch (code) {
  case errc::rejected:
    return exit_code::rejected;
  case errc::deadline_exceeded:
    return exit_code::deadline;
  default:
    return exit_code::error;
  }
}

} // namespace

std::string with_exit_codes(const std::string& text) {
  return text + (text.empty() ? "" : "\n")
         + "Exit codes: 0 done, 1 the topology has faults, 2 wrong usage, 3 rejected by the "
           "business, 4 any other error, 5 no answer in time.";
}

int print_error(const error& why, bool json, std::string_view given_next) {
  const std::string next = given_next.empty() ? advice(why) : std::string{given_next};
  const std::string_view possible = why.possible == effect::none ? "none" : "unknown";
  if (json) {
    wire::json_object line;
    line.add("code", name_of(why.code)).add("effect", possible).add("message", message_of(why));
    if (why.retry_after) {
      line.add("retry_after_ms", why.retry_after->count());
    }
    wire::json_object details;
    for (const auto& [key, value] : why.details) {
      details.add(key, value);
    }
    if (!details.empty()) {
      line.add("details", details);
    }
    if (!next.empty()) {
      line.add("next", next);
    }
    fmt::print("{}\n", wire::json_object{}.add("error", line).text());
    return code_for(why.code);
  }
  std::string text = fmt::format("{}: {}\n", name_of(why.code), message_of(why));
  for (const auto& [key, value] : why.details) {
    text += fmt::format("  {}: {}\n", key, value);
  }
  if (why.possible == effect::unknown) {
    text += "  it may have had an effect\n";
  }
  if (!next.empty()) {
    text += fmt::format("  next: {}\n", next);
  }
  print_aside(text);
  return code_for(why.code);
}

int print_wrong_usage(std::string_view command, std::string_view what, bool json) {
  const std::string name = fmt::format("troupe{}{}", command.empty() ? "" : " ", command);
  const std::string next = fmt::format("`{} --help` explains its usage", name);
  if (json) {
    (void)print_error(invalid(std::string{what}), json, next);
  } else {
    print_aside(fmt::format("{}: {}\n  next: {}\n", name, what, next));
  }
  return exit_code::usage;
}

void print_aside(std::string_view text) {
  (void)std::fflush(stdout); // `written_out` reports a failure in the end.
  std::string shown;
  for (; !text.empty(); text.remove_prefix(first_character(text).bytes)) {
    const std::string_view next = text.substr(0, first_character(text).bytes);
    shown += next == "\n" || next == "\t" || is_all_shown(next) ? next : "?";
  }
  (void)std::fwrite(shown.data(), 1, shown.size(), stderr);
}

int written_out(int code) {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) {
    return code;
  }
  const int reason = errno; // 0 if an earlier write failed.
  fmt::print(
      stderr,
      "troupe: the output could not be written{}{}\n",
      reason == 0 ? "" : ": ",
      reason == 0 ? "" : std::generic_category().message(reason));
  std::clearerr(stdout); // Cleared, so that a second call does not report the error again.
  return code == exit_code::ok ? exit_code::error : code;
}

std::string_view message_of(const error& why) {
  const bool is_to_be_asked = why.code == errc::deadline_exceeded && why.possible == effect::unknown
                              && why.detail("id").empty();
  return is_to_be_asked ? "no answer in time" : std::string_view{why.message};
}

} // namespace troupe

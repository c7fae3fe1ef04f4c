#include "nodes/commands/contract/state_hook.hpp"

#include "nodes/commands/contract/http_client.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace troupe {

namespace {

failure state_failed(const contract::provider_state& state, std::string_view why) {
  return failure{error{
      errc::unavailable,
      effect::unknown,
      fmt::format("the state `{}` cannot be set up: {}", state.name, why)}};
}

outcome<contract::json>
values_in(const contract::provider_state& state, const std::string& answer) {
  if (answer.find_first_not_of(" \t\r\n") == std::string::npos) {
    return contract::json::object();
  }
  contract::json read = contract::json::parse(answer, nullptr, false);
  if (read.is_discarded()) {
    return state_failed(
        state,
        fmt::format(
            "its hook answered `{}`, which is no JSON",
            answer.substr(0, std::min<std::size_t>(answer.find('\n'), 80))));
  }
  return read.is_object() ? read : contract::json::object();
}

/// A pipe that closes its ends when destroyed.
struct pipe_ends {
  ~pipe_ends() {
    for (int& each : ends) {
      close_one(each);
    }
  }

  static void close_one(int& end) {
    if (end >= 0) {
      ::close(std::exchange(end, -1));
    }
  }

  std::array<int, 2> ends{-1, -1};
};

/// A shell that runs a hook's command.
class hook_process {
public:
  ~hook_process() {
    if (pid_ > 0) {
      ::kill(-pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  hook_process() = default;
  hook_process(const hook_process&) = delete;
  hook_process& operator=(const hook_process&) = delete;

  bool start(const std::string& command, const std::string& state) {
    // A socket instead of a pipe: writing raises no signal if nobody reads.
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in_.ends.data()) != 0
        || ::pipe2(out_.ends.data(), O_CLOEXEC) != 0) {
      return false;
    }
    const std::string script = command + " \"$@\"";
    pid_ = ::fork();
    if (pid_ == 0) { // Only async-signal-safe functions from here on.
      ::setpgid(0, 0);
      sigset_t none;
      ::sigemptyset(&none);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
      ::dup2(in_.ends[0], STDIN_FILENO);
      ::dup2(out_.ends[1], STDOUT_FILENO);
      ::execl(
          "/bin/sh",
          "sh",
          "-c",
          script.c_str(),
          "sh",
          "setup",
          state.c_str(),
          static_cast<char*>(nullptr));
      ::_exit(127);
    }
    pipe_ends::close_one(in_.ends[0]);
    pipe_ends::close_one(out_.ends[1]);
    return pid_ > 0;
  }

  /// Writes `text` to the hook's stdin and reads its stdout until that is closed. False if time
  /// runs out.
  bool talk(const std::string& text, std::string& answer, instant until) {
    // A hook that does not read its stdin runs without it.
    (void)::send(in_.ends[1], text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    pipe_ends::close_one(in_.ends[1]);
    while (true) {
      const auto left =
          std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
      pollfd waiting{out_.ends[0], POLLIN, 0};
      if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count()) + 1) == 0) {
        return false;
      }
      std::array<char, 4'096> part{};
      const ssize_t bytes = ::read(out_.ends[0], part.data(), part.size());
      if (bytes == 0 || (bytes < 0 && errno != EINTR)) {
        return true;
      }
      answer.append(part.data(), static_cast<std::size_t>(std::max<ssize_t>(bytes, 0)));
    }
  }

  /// The exit code, or 128 plus a signal's number.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

private:
  pid_t pid_ = -1;
  pipe_ends in_;
  pipe_ends out_;
};

outcome<contract::json> run_hook(
    const std::string& command,
    const contract::provider_state& state,
    const std::string& body,
    milliseconds within) {
  hook_process hook;
  if (!hook.start(command, state.name)) {
    return state_failed(state, std::strerror(errno));
  }
  std::string answer;
  if (!hook.talk(body, answer, std::chrono::steady_clock::now() + within)) {
    return state_failed(
        state, fmt::format("`{}` did not end within {} ms", command, within.count()));
  }
  if (const int code = hook.wait(); code != 0) {
    return state_failed(state, fmt::format("`{}` ended with {}", command, code));
  }
  return values_in(state, answer);
}

} // namespace

outcome<contract::json>
set_up_state(const std::string& where, const contract::provider_state& state, milliseconds within) {
  const std::string body =
      contract::json{{"state", state.name}, {"params", state.params}, {"action", "setup"}}.dump();
  if (!is_http_url(where)) {
    return run_hook(where, state, body, within);
  }
  const auto answer =
      send_http(where, {"POST", "", {}, {{"Content-Type", "application/json"}}, body}, within);
  if (!answer) {
    return state_failed(state, answer.error().message);
  }
  if (answer->status < 200 || answer->status > 299) {
    return state_failed(state, fmt::format("{} answered {}", where, answer->status));
  }
  return values_in(state, answer->body);
}

} // namespace troupe

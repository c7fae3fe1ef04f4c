#include "nodes/commands/up/child.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe {

namespace {

constexpr int exit_not_started = 127; // The code that shells use.

/// Runs between fork and exec, where only async-signal-safe functions may be called.
[[noreturn]] void become(const char* program, char* const* words, int log, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(exit_not_started); // The parent died before prctl took effect.
  }
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(program, words);
  constexpr char text[] = "troupe up: the program cannot be executed\n";
  (void)!::write(STDERR_FILENO, text, sizeof text - 1);
  ::_exit(exit_not_started);
}

} // namespace

outcome<pid_t> start_child(const child_command& command) {
  // Opening a pipe must not block until it has a reader.
  const int log = ::open(
      command.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
  if (log < 0) {
    return failure{internal_error(fmt::format(
        "cannot open {}: {}",
        command.log_file,
        errno == ENXIO ? "nobody reads this pipe" : std::strerror(errno)))};
  }
  (void)::fcntl(log, F_SETFL, O_APPEND);
  std::vector<char*> words{const_cast<char*>(command.program.c_str())};
  for (const std::string& each : command.arguments) {
    words.push_back(const_cast<char*>(each.c_str()));
  }
  words.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    become(command.program.c_str(), words.data(), log, parent);
  }
  const int reason = errno;
  ::close(log);
  if (pid < 0) {
    return failure{internal_error(fmt::format("cannot fork: {}", std::strerror(reason)))};
  }
  return pid;
}

std::string exit_reason(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    const char* const name = ::sigabbrev_np(signal);
    return name == nullptr ? fmt::format("signal {}", signal) : fmt::format("SIG{}", name);
  }
  const int code = WEXITSTATUS(status);
  return code == 0 ? "exit 0" : fmt::format("exit {}, see its log", code);
}

} // namespace troupe

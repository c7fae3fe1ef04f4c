#include "runtime/fault_point.hpp"

#include <charconv>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <signal.h>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace troupe {

namespace {

struct planned {
  std::string action;
  int at = 1;
};

/// The plan, and the passes so far. Global, because fault points are everywhere, exist only in test
/// builds, and must not appear in any signature.
struct fault_plan {
  fault_plan() {
    if (const char* text = std::getenv("TROUPE_FAULT_PLAN")) { // NOLINT(concurrency-mt-unsafe)
      parse(text);
    }
    if (const char* path = std::getenv("TROUPE_FAULT_LOG")) { // NOLINT(concurrency-mt-unsafe)
      log = ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
  }

  void parse(std::string_view text) {
    while (!text.empty()) {
      const std::string_view entry = text.substr(0, text.find(','));
      text.remove_prefix(std::min(text.size(), entry.size() + 1));
      const std::size_t equals = entry.find('=');
      if (equals == std::string_view::npos) {
        continue;
      }
      planned what;
      std::string_view action = entry.substr(equals + 1);
      if (const std::size_t at = action.find('@'); at != std::string_view::npos) {
        std::from_chars(action.data() + at + 1, action.data() + action.size(), what.at);
        action = action.substr(0, at);
      }
      what.action = action;
      plan[std::string{entry.substr(0, equals)}] = what;
    }
  }

  std::mutex mutex;
  std::map<std::string, planned, std::less<>> plan;
  std::map<std::string, int, std::less<>> passes;
  int log = -1;
};

fault_plan& the_plan() {
  static fault_plan plan;
  return plan;
}

} // namespace

void pass_fault_point(std::string_view name) {
  fault_plan& faults = the_plan();
  std::string action;
  {
    const std::lock_guard lock{faults.mutex};
    const int pass = ++faults.passes[std::string{name}];
    if (pass == 1 && faults.log >= 0) {
      const std::string line = std::string{name} + "\n";
      (void)!::write(faults.log, line.data(), line.size());
    }
    const auto found = faults.plan.find(name);
    if (found == faults.plan.end() || found->second.at != pass) {
      return;
    }
    action = found->second.action;
  }
  if (action == "kill") {
    ::kill(::getpid(), SIGKILL);
  } else if (action == "stop") {
    // Raised for this thread: a signal to the process could be taken by another thread, and this
    // one would continue for a moment.
    (void)::raise(SIGSTOP);
  } else if (action == "hang") {
    for (;;) {
      ::pause();
    }
  } else if (action == "throw") {
    throw std::runtime_error{"fault point " + std::string{name}};
  }
}

} // namespace troupe

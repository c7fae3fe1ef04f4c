#include "nodes/commands/up/process_locks.hpp"

#include "nodes/process_marks.hpp"
#include "runtime/ids.hpp"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits>
#include <span>
#include <thread>

namespace troupe {

namespace {

using namespace std::chrono_literals;

// Processes of an `up` that was killed are killed with it, which takes a moment.
constexpr auto dying_patience = 2s;
constexpr auto dying_interval = 20ms;

std::string pid_text(pid_t pid) {
  return pid > 0 ? fmt::format(", process {},", pid) : "";
}

error run_already(const std::string& who, const std::string& name, const std::string& more) {
  return {
      .code = errc::unavailable, .message = fmt::format("{} runs {} already{}", who, name, more)};
}

outcome<void> lock_in_folder(const std::string& log_folder, const std::vector<std::string>& names) {
  // Never closed, so that its locks last exactly as long as this process.
  const int file =
      ::open((log_folder + "/up.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (file < 0) {
    return {};
  }
  for (const std::string& each : names) {
    struct flock byte = {};
    byte.l_type = F_WRLCK;
    byte.l_whence = SEEK_SET;
    byte.l_start = static_cast<off_t>(
        digest_of(std::as_bytes(std::span{each}))
        & static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 2));
    byte.l_len = 1;
    if (::fcntl(file, F_SETLK, &byte) == 0 || (errno != EACCES && errno != EAGAIN)) {
      continue;
    }
    const bool is_known = ::fcntl(file, F_GETLK, &byte) == 0 && byte.l_type != F_UNLCK;
    return failure{run_already(
        fmt::format("another `troupe up`{}", pid_text(is_known ? byte.l_pid : 0)),
        each,
        ", with its logs in " + log_folder)};
  }
  return {};
}

/// The process that is `name` and stays there.
std::optional<pid_t> twin_of(const topology::plan& plan, const std::string& name) {
  const auto until = std::chrono::steady_clock::now() + dying_patience;
  for (;;) {
    const auto found = holder_of_mark(plan, name, marked::process);
    if (!found || std::chrono::steady_clock::now() >= until) {
      return found;
    }
    std::this_thread::sleep_for(dying_interval);
  }
}

} // namespace

outcome<void> lock_processes(
    const topology::plan& plan,
    const std::string& log_folder,
    const std::vector<std::string>& names) {
  TROUPE_CHECK(lock_in_folder(log_folder, names));
  for (const std::string& each : names) {
    if (!take_mark(plan, each, marked::keeper)) {
      if (const auto other = holder_of_mark(plan, each, marked::keeper)) {
        return failure{run_already(
            fmt::format("another `troupe up`{}", pid_text(*other)),
            each,
            ", with its logs in another folder")};
      }
    }
    if (const auto twin = twin_of(plan, each)) {
      return failure{run_already(
          *twin > 0 ? fmt::format("process {}", *twin) : "another process",
          each,
          ", started by a service or by hand")};
    }
  }
  return {};
}

} // namespace troupe

#include "runtime/store/sqlite/process_info.hpp"

#include <cinttypes>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace troupe::store {

std::optional<process_info> process_called(pid_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  std::string line;
  if (!std::getline(file, line)) {
    return std::nullopt;
  }
  // The name, in parentheses, may contain any character, so read the fields after the last
  // parenthesis.
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) {
    return std::nullopt;
  }
  std::istringstream fields{line.substr(name_end + 1)};
  process_info found{.pid = pid};
  fields >> found.state;
  std::string skipped;
  constexpr int state_field = 3;
  constexpr int start_time_field = 22;
  for (int field = state_field + 1; field < start_time_field; ++field) {
    fields >> skipped;
  }
  fields >> found.start_time;
  return fields ? std::optional{found} : std::nullopt;
}

std::optional<pid_t> flock_holder(int descriptor, std::optional<pid_t> likely) {
  struct stat file {};

  if (fstat(descriptor, &file) != 0) {
    return std::nullopt;
  }
  std::ifstream locks{"/proc/locks"};
  std::optional<pid_t> by_inode;
  for (std::string line; std::getline(locks, line);) {
    // "12: FLOCK  ADVISORY  WRITE 4711 fe:00:10952735 0 EOF"; a waiter's line is "12: -> FLOCK
    // ...".
    int pid = 0;
    unsigned major_number = 0;
    unsigned minor_number = 0;
    std::uint64_t inode = 0;
    const auto fields = std::sscanf(
        line.c_str(),
        "%*d: FLOCK ADVISORY WRITE %d %x:%x:%" SCNu64,
        &pid,
        &major_number,
        &minor_number,
        &inode);
    if (fields != 4 || pid <= 0 || inode != file.st_ino) {
      continue;
    }
    if (makedev(major_number, minor_number) == file.st_dev) {
      return pid;
    }
    if (likely == pid) {
      by_inode = pid;
    }
  }
  return by_inode;
}

bool has_open(pid_t pid, int descriptor) {
  struct stat wanted {};

  if (fstat(descriptor, &wanted) != 0) {
    return false;
  }
  std::error_code failed;
  std::filesystem::directory_iterator each{"/proc/" + std::to_string(pid) + "/fd", failed};
  for (; !failed && each != std::filesystem::directory_iterator{}; each.increment(failed)) {
    struct stat found {};

    if (stat(each->path().c_str(), &found) == 0 && found.st_dev == wanted.st_dev
        && found.st_ino == wanted.st_ino) {
      return true;
    }
  }
  return false;
}

bool is_locked_by_any(ino_t inode) {
  std::ifstream locks{"/proc/locks"};
  for (std::string line; std::getline(locks, line);) {
    // "7: POSIX  ADVISORY  READ  4711 fe:00:10952735 128 128"
    std::uint64_t found = 0;
    if (std::sscanf(line.c_str(), "%*d: POSIX %*s %*s %*d %*x:%*x:%" SCNu64, &found) == 1
        && found == inode) {
      return true;
    }
  }
  return false;
}

bool locks_are_visible() {
  return std::ifstream{"/proc/locks"}.good();
}

bool kill_process(const process_info& victim) {
  // The descriptor keeps referring to this process even if its pid is reused after the comparison.
  const auto handle = static_cast<int>(syscall(SYS_pidfd_open, victim.pid, 0));
  if (handle < 0) {
    return false;
  }
  const auto now = process_called(victim.pid);
  const bool same = now && now->start_time == victim.start_time;
  const bool killed = same && syscall(SYS_pidfd_send_signal, handle, SIGKILL, nullptr, 0) == 0;
  close(handle);
  return killed;
}

} // namespace troupe::store

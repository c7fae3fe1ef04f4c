#include "nodes/commands/up/process_locks.hpp"

#include "runtime/ids.hpp"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits>
#include <span>

namespace troupe {

outcome<void> lock_processes(const std::string& log_folder, const std::vector<std::string>& names) {
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
    return failure{
        {.code = errc::unavailable,
         .message = fmt::format(
             "another `troupe up`{} runs {} already, with its logs in {}",
             is_known && byte.l_pid > 0 ? fmt::format(", process {},", byte.l_pid) : "",
             each,
             log_folder)}};
  }
  return {};
}

} // namespace troupe

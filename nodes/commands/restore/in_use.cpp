#include "nodes/commands/restore/in_use.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace troupe {

namespace {

// Every session in WAL mode holds a shared lock on these bytes while it is open.
// @source sqlite3.c, SHARED_FIRST and SHARED_SIZE.
constexpr off_t shared_first = 0x40000002;
constexpr off_t shared_size = 510;

} // namespace

std::optional<pid_t> user_of(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) {
    return std::nullopt; // Opening it as a database will report the reason.
  }

  struct flock asked {};

  asked.l_type = F_WRLCK;
  asked.l_whence = SEEK_SET;
  asked.l_start = shared_first;
  asked.l_len = shared_size;
  const bool is_used = ::fcntl(file, F_GETLK, &asked) == 0 && asked.l_type != F_UNLCK;
  ::close(file);
  return is_used ? std::optional{asked.l_pid} : std::nullopt;
}

} // namespace troupe

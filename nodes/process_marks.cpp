#include "nodes/process_marks.hpp"

#include "runtime/ids.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fmt/format.h>
#include <span>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace troupe {

namespace {

// Nobody accepts; whoever asks leaves a place of these taken.
constexpr int askers_told = 1'024;

struct mark_address {
  sockaddr_un address{};
  socklen_t length = 0;
};

mark_address address_of(const topology::plan& plan, const std::string& name, marked as) {
  struct stat folder {};

  (void)::stat(plan.folder.empty() ? "." : plan.folder.c_str(), &folder);
  const std::string whose = fmt::format("{}\n{}", plan.name, name);
  const std::string text = fmt::format(
      "troupe/{}/{:x}.{:x}/{:016x}",
      as == marked::process ? "runs" : "up",
      folder.st_dev,
      folder.st_ino,
      digest_of(std::as_bytes(std::span{whose})));
  mark_address made;
  made.address.sun_family = AF_UNIX;
  std::ranges::copy(text, made.address.sun_path + 1); // Byte 0 stays 0: the name is abstract.
  made.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  return made;
}

} // namespace

bool take_mark(const topology::plan& plan, const std::string& name, marked as) {
  const mark_address mark = address_of(plan, name, as);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) {
    return false;
  }
  // Never closed if it is taken: the mark ends with this process, and only with it.
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&mark.address), mark.length) == 0
      && ::listen(socket, askers_told) == 0) {
    return true;
  }
  ::close(socket);
  return false;
}

std::optional<pid_t>
holder_of_mark(const topology::plan& plan, const std::string& name, marked as) {
  const mark_address mark = address_of(plan, name, as);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) {
    return std::nullopt;
  }
  std::optional<pid_t> found;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&mark.address), mark.length) == 0) {
    ucred who{};
    socklen_t size = sizeof who;
    const bool is_known = ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0;
    const uid_t own = ::geteuid();
    if (!is_known || own == 0 || who.uid == 0 || who.uid == own) {
      found = is_known ? who.pid : 0;
    }
  } else if (errno == EAGAIN) {
    found = 0; // Too many have asked before.
  }
  ::close(socket);
  return found;
}

} // namespace troupe

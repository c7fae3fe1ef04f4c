#include "nodes/key_folder.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe {

folder_lock::folder_lock(const std::string& folder)
    : folder_{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)} {
  while (folder_ >= 0 && ::flock(folder_, LOCK_EX) != 0 && errno == EINTR) {
  }
}

folder_lock::~folder_lock() {
  if (folder_ >= 0) {
    ::close(folder_);
  }
}

outcome<void> act_as_owner_of(const std::string& folder) {
  struct stat facts {};

  const std::string beside = std::filesystem::path{folder}.parent_path().string();
  if (::geteuid() != 0
      || (::stat(folder.c_str(), &facts) != 0
          && ::stat(beside.empty() ? "." : beside.c_str(), &facts) != 0)
      || facts.st_uid == 0) {
    return {};
  }
  if (::setegid(facts.st_gid) != 0 || ::seteuid(facts.st_uid) != 0) {
    return failure{
        {.code = errc::forbidden,
         .message = fmt::format(
             "{} belongs to user {}, as whom this cannot act: {}",
             folder,
             facts.st_uid,
             std::strerror(errno))}};
  }
  return {};
}

outcome<void> make_key_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return failure{
        {.code = errc::unavailable,
         .message = fmt::format("cannot make the folder {}: {}", folder, std::strerror(errno))}};
  }
  return {};
}

} // namespace troupe

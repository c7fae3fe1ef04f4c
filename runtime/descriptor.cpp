#include "runtime/descriptor.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace troupe {

descriptor::~descriptor() {
  if (number_ >= 0) {
    ::close(number_);
  }
}

bool descriptor::write_all(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = ::write(number_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      errno = written == 0 ? ENOSPC : errno;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool descriptor::sync() const {
  return ::fsync(number_) == 0;
}

bool sync_folder(const std::string& folder) {
  const descriptor opened{
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return opened.is_open() && opened.sync();
}

} // namespace troupe

#include "actors/notifications/spool_mailer.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace troupe::notifications {

namespace {

error cannot(const std::string& what, const std::string& path, int code) {
  return {
      .code = errc::unavailable,
      .possible = effect::unknown,
      .message = "cannot " + what + " " + path + ": " + std::generic_category().message(code)};
}

class descriptor {
public:
  explicit descriptor(int number) : number_{number} {}

  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  ~descriptor() {
    if (number_ >= 0) {
      ::close(number_);
    }
  }

  bool is_open() const { return number_ >= 0; }

  bool write_all(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto written = ::write(number_, bytes.data(), bytes.size());
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

  bool sync() const { return ::fsync(number_) == 0; }

private:
  int number_;
};

outcome<void> write_file(const std::string& path, std::string_view bytes) {
  const descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!file.is_open() || !file.write_all(bytes) || !file.sync()) {
    return failure{cannot("write", path, errno)};
  }
  return {};
}

/// Puts the names in a folder on the disk; syncing the files does not.
outcome<void> sync_folder(const std::string& path) {
  const descriptor folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder.is_open() || !folder.sync()) {
    return failure{cannot("sync", path, errno)};
  }
  return {};
}

} // namespace

outcome<delivery> spool_mailer::send(const letter& mail) {
  std::error_code failed;
  std::filesystem::create_directories(folder_, failed);
  if (failed) {
    return failure{cannot("make the folder", folder_, failed.value())};
  }
  const std::string name = folder_ + "/" + to_string(mail.key) + ".eml";
  if (::access(name.c_str(), F_OK) != 0) {
    // The draft has a name of its own: another process may be writing the same mail.
    const std::string draft = folder_ + "/." + to_string(mail.key) + "."
                              + std::to_string(::getpid()) + "." + std::to_string(::gettid());
    auto written = write_file(draft, mail.text);
    if (written && ::rename(draft.c_str(), name.c_str()) != 0) {
      written = failure{cannot("write", name, errno)};
    }
    if (!written) {
      ::unlink(draft.c_str());
      return failure{std::move(written).error()};
    }
  }
  // The folder is synced also for a file that was there: its writer may have died before it did so.
  return sync_folder(folder_).map([] { return delivery{true, {}}; });
}

} // namespace troupe::notifications

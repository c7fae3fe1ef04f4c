#include "actors/notifications/spool_mailer.hpp"

#include "runtime/descriptor.hpp"

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

outcome<void> write_file(const std::string& path, std::string_view bytes) {
  const descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!file.is_open() || !file.write_all(bytes) || !file.sync()) {
    return failure{cannot("write", path, errno)};
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
    // The draft has a unique name, since another process may be writing the same mail.
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
  // Sync the folder even if the file existed: its writer may have died before syncing.
  if (!sync_folder(folder_)) {
    return failure{cannot("sync", folder_, errno)};
  }
  return delivery{true, {}};
}

} // namespace troupe::notifications

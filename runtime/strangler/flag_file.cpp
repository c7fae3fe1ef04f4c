#include "runtime/strangler/flag_file.hpp"

#include "runtime/descriptor.hpp"
#include "runtime/text_file.hpp"
#include "runtime/wire/message.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>

namespace troupe::strangler {

namespace {

// Far more than the flags of the largest topology take.
constexpr std::size_t flags_bytes_max = 64U << 20U;

struct flag_file {
  flag_values values;
};

TROUPE_MESSAGE(flag_file, values)

error not_kept(const std::string& path, int number) {
  return {
      .code = errc::unavailable,
      .message =
          fmt::format("{} cannot be written: {}", path, std::generic_category().message(number))};
}

} // namespace

outcome<void> keep_flags(const std::string& path, const flag_values& values) {
  const std::filesystem::path folder = std::filesystem::path{path}.parent_path();
  std::error_code wrong;
  if (!folder.empty()) {
    std::filesystem::create_directories(folder, wrong);
  }
  const std::string draft = path + ".new";
  const descriptor file{::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!file.is_open()) {
    return failure{not_kept(draft, errno)};
  }
  if (!file.write_all(wire::encoded(flag_file{values})) || !file.sync()
      || ::rename(draft.c_str(), path.c_str()) != 0) {
    return failure{not_kept(path, errno)};
  }
  return {};
}

outcome<std::optional<flag_values>> kept_flags(const std::string& path) {
  std::error_code wrong;
  if (!std::filesystem::exists(path, wrong) && !wrong) {
    return std::optional<flag_values>{};
  }
  auto read = read_text_file(path, flags_bytes_max).and_then(wire::checked_decode<flag_file>);
  if (!read) {
    return failure{invalid(fmt::format("{} holds no flags: {}", path, read.error().message))};
  }
  return std::optional{std::move(read->values)};
}

} // namespace troupe::strangler

#include "nodes/commands/transfer/locked_file.hpp"

#include "nodes/commands/restore/in_use.hpp"
#include "runtime/store/sqlite/database.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <system_error>
#include <utility>

namespace troupe {

namespace {

constexpr milliseconds writers_patience{2'000};

bool has_file_at(const std::string& path) {
  std::error_code failed;
  return std::filesystem::exists(path, failed);
}

} // namespace

outcome<locked_file> open_locked(const std::string& path, const std::string& owner, bool create) {
  if (const auto user = user_of(path)) {
    return failure{
        {.code = errc::unavailable,
         .message = fmt::format("the system runs: {} is in use by the process {}", path, *user)}};
  }
  store::sqlite_options options;
  options.capability = owner;
  options.create = create;
  options.is_moving = true;
  options.lock_patience = writers_patience;
  TROUPE_TRY(auto session, store::open_sqlite(path, options));
  TROUPE_TRY(auto opened, store::turnstile::open(path));
  auto gate = std::make_unique<store::turnstile>(std::move(opened));
  TROUPE_CHECK(gate->lock(writers_patience));
  auto sign = std::make_unique<store::long_work>(*gate);
  return locked_file{std::move(gate), std::move(session), std::move(sign)};
}

outcome<bool> has_file(const std::string& path) {
  std::error_code failed;
  const bool is_there = std::filesystem::exists(path, failed);
  if (failed) {
    return failure{
        {.code = errc::unavailable,
         .message = fmt::format(
             "nobody can tell whether {} is there: {}; do this as the user whom the system runs as",
             path,
             failed.message())}};
  }
  return is_there;
}

outcome<void> check_is_no_link(const std::string& path) {
  std::error_code failed;
  if (!std::filesystem::is_symlink(path, failed)) {
    return {};
  }
  return failure{invalid(fmt::format(
      "{0} is a symbolic link, which this would replace: write the place of the file itself into "
      "the topology, or make a link of the folder",
      path))};
}

std::optional<uuid> lost_database(const std::string& path) {
  if (has_file_at(path) || !has_file_at(path + ".lock")) {
    return std::nullopt;
  }
  const auto gate = store::turnstile::open(path);
  return gate ? gate->noted_database() : std::nullopt;
}

} // namespace troupe

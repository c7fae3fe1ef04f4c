#include "nodes/commands/restore/to_files.hpp"

#include "nodes/commands/backup/saved_bytes.hpp"
#include "nodes/commands/transfer/new_schema.hpp"
#include "runtime/descriptor.hpp"
#include "runtime/fault_point.hpp"

#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <map>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace troupe {

namespace {

namespace fs = std::filesystem;

// The lock file comes last: while it exists, a writer treats a missing database as lost and does
// not create a new one.
constexpr std::array<std::string_view, 5> parts_in_order{"", "-wal", "-shm", ".next", ".lock"};

fs::path folder_of(const fs::path& file) {
  return file.parent_path().empty() ? "." : file.parent_path();
}

fs::path copy_of(const returning_file& one) {
  return one.to.string() + ".copied";
}

/// The copy, under the name that keeps all processes out.
fs::path sign_of(const returning_file& one) {
  return one.to.string() + ".returning";
}

error not_done(const fs::path& file, int reason) {
  return internal_error(fmt::format(
      "cannot put {} into its place: {}", file.string(), std::generic_category().message(reason)));
}

/// Gives a file that root has created the owner of `like` and, if `like` is a file, its
/// permissions.
bool has_owner_of(const fs::path& made, const fs::path& like) {
  struct stat facts {};

  if (::geteuid() != 0 || ::stat(like.c_str(), &facts) != 0) {
    return ::geteuid() != 0;
  }
  return ::chown(made.c_str(), facts.st_uid, facts.st_gid) == 0
         && (!S_ISREG(facts.st_mode) || ::chmod(made.c_str(), facts.st_mode & 0777U) == 0);
}

outcome<void> make_folder(const fs::path& folder) {
  std::error_code failed;
  if (fs::create_directories(folder, failed) && !has_owner_of(folder, folder_of(folder))) {
    failed = {errno, std::generic_category()};
  }
  return failed ? failure{internal_error(
             fmt::format("cannot make {}: {}", folder.string(), failed.message()))}
                : outcome<void>{};
}

/// A new folder for the files put aside.
fs::path folder_aside(const fs::path& folder, const clock& time) {
  const fs::path first = folder / ("before-restore-" + stamp_of(time));
  fs::path name = first;
  std::error_code failed;
  for (int i = 2; fs::exists(name, failed); ++i) {
    name = fmt::format("{}-{}", first.string(), i);
  }
  return name;
}

outcome<void> rename_to(const fs::path& from, const fs::path& to) {
  return ::rename(from.c_str(), to.c_str()) == 0 ? outcome<void>{} : failure{not_done(to, errno)};
}

/// Puts one file into its place, and the existing one into the folder `old`.
outcome<void> exchange(const returning_file& one, const fs::path& old) {
  const auto put_aside = [&](std::string_view part) -> outcome<void> {
    const fs::path from = one.to.string() + std::string{part};
    std::error_code failed;
    if (!fs::exists(from, failed)) {
      return {};
    }
    return make_folder(old).and_then([&] { return rename_to(from, old / from.filename()); });
  };
  for (const std::string_view part : parts_in_order) {
    if (part == parts_in_order.back()) {
      TROUPE_CHECK(rename_to(sign_of(one), one.to));
      TROUPE_FAULT("restore.exchanged");
    }
    TROUPE_CHECK(put_aside(part));
    TROUPE_FAULT("restore.aside");
  }
  sync_folder(folder_of(one.to));
  return {};
}

} // namespace

outcome<void> copy_beside(const checked_backup& backup) {
  for (const returning_file& each : backup.files) {
    if (each.to.empty()) {
      continue;
    }
    const fs::path copy = copy_of(each);
    auto copied =
        make_folder(folder_of(each.to)).and_then([&] { return copy_synced(each.from, copy); });
    std::error_code failed;
    if (copied && !has_owner_of(copy, fs::exists(each.to, failed) ? each.to : folder_of(each.to))) {
      copied = failure{not_done(copy, errno)};
    }
    if (!copied) {
      drop_copies(backup);
      return failure{{.code = errc::unavailable, .message = std::move(copied).error().message}};
    }
    TROUPE_FAULT("restore.copied");
  }
  return {};
}

void drop_copies(const checked_backup& backup) {
  for (const returning_file& each : backup.files) {
    std::error_code failed;
    if (!each.to.empty()) {
      fs::remove(copy_of(each), failed);
    }
  }
}

outcome<void>
put_in_place(const checked_backup& backup, const clock& time, std::vector<std::string>& aside) {
  std::map<fs::path, fs::path> old_of; // One folder for all files that were together.
  for (const returning_file& each : backup.files) {
    if (each.to.empty()) {
      continue;
    }
    const fs::path folder = folder_of(each.to);
    old_of.try_emplace(folder, folder_aside(folder, time));
    TROUPE_CHECK(rename_to(copy_of(each), sign_of(each)));
  }
  for (const auto& [folder, old] : old_of) {
    sync_folder(folder);
  }
  TROUPE_FAULT("restore.signed");
  for (const bool is_journal : {false, true}) {
    for (const returning_file& each : backup.files) {
      if (each.to.empty() || each.what.is_journal() != is_journal) {
        continue;
      }
      TROUPE_CHECK(exchange(each, old_of.at(folder_of(each.to))));
    }
  }
  std::error_code failed;
  for (const auto& [folder, old] : old_of) {
    if (fs::exists(old, failed)) {
      aside.push_back(old.string());
    }
  }
  return {};
}

} // namespace troupe

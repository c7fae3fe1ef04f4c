#include "nodes/commands/restore/to_files.hpp"

#include "nodes/commands/backup/saved_bytes.hpp"
#include "nodes/commands/restore/in_use.hpp"
#include "nodes/commands/transfer/new_schema.hpp"
#include "runtime/descriptor.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/store/sqlite/turnstile.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace troupe {

namespace {

namespace fs = std::filesystem;

// The lock file goes last: as long as it is there, a writer takes a file that is gone for one that
// was lost, and begins no new one.
constexpr std::array<std::string_view, 6> parts_in_order{
    "", "-wal", "-shm", "-journal", ".next", ".lock"};

// Opening a database takes no longer.
constexpr milliseconds opening_patience{2'000};

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

/// Whether nobody has the database open, and nobody is about to: whoever passed by before its sign
/// was there has its lock until then.
outcome<void> check_unused(const returning_file& one) {
  std::error_code failed;
  std::optional<store::turnstile> gate;
  if (fs::exists(one.to.string() + ".lock", failed)) {
    TROUPE_TRY(auto opened, store::turnstile::open(one.to.string()));
    TROUPE_CHECK(opened.lock(opening_patience));
    gate.emplace(std::move(opened));
  }
  if (const auto user = user_of(one.to.string())) {
    return failure{
        {.code = errc::unavailable,
         .message = fmt::format(
             "{} is in use by the process {}, which was started meanwhile",
             one.to.string(),
             *user)}};
  }
  return {};
}

} // namespace

outcome<folder_locks> lock_folders(const checked_backup& backup) {
  folder_locks locks;
  for (const returning_file& each : backup.files) {
    if (each.to.empty() || locks.contains(folder_of(each.to))) {
      continue;
    }
    const fs::path folder = folder_of(each.to);
    if (auto made = make_folder(folder); !made) {
      return failure{{.code = errc::unavailable, .message = std::move(made).error().message}};
    }
    auto opened =
        std::make_unique<descriptor>(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened->is_open() || ::flock(opened->number(), LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      return failure{
          {.code = errc::unavailable,
           .message = reason == EWOULDBLOCK ? fmt::format(
                          "another `troupe restore` is at work in {}: wait for it", folder.string())
                                            : fmt::format(
                                                "cannot lock {}: {}",
                                                folder.string(),
                                                std::generic_category().message(reason))}};
    }
    locks.emplace(folder, std::move(opened));
  }
  return locks;
}

outcome<void> copy_beside(const checked_backup& backup) {
  for (const returning_file& each : backup.files) {
    if (each.to.empty()) {
      continue;
    }
    const fs::path copy = copy_of(each);
    auto copied = copy_synced(each.from, copy);
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
  std::map<fs::path, fs::path> old_of; // One folder for all that lay together.
  std::vector<fs::path> signs;         // Those that are new.
  for (const returning_file& each : backup.files) {
    if (each.to.empty()) {
      continue;
    }
    const fs::path folder = folder_of(each.to);
    old_of.try_emplace(folder, folder_aside(folder, time));
    std::error_code unseen;
    if (!fs::exists(sign_of(each), unseen)) {
      signs.push_back(sign_of(each));
    }
    TROUPE_CHECK(rename_to(copy_of(each), sign_of(each)));
  }
  for (const auto& [folder, old] : old_of) {
    sync_folder(folder);
  }
  TROUPE_FAULT("restore.signed");
  for (const returning_file& each : backup.files) {
    auto unused = each.to.empty() ? outcome<void>{} : check_unused(each);
    if (!unused) {
      std::error_code failed;
      for (const fs::path& sign : signs) {
        fs::remove(sign, failed);
      }
      return unused;
    }
  }
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

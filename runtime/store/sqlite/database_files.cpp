#include "runtime/store/sqlite/database_files.hpp"

#include "runtime/store/sqlite/process_info.hpp"
#include "runtime/store/sqlite/session.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <system_error>

namespace troupe::store {

namespace {

// Offsets in the WAL index: the number of frames in the WAL, and how many of them were copied back.
// Integers are in native byte order.
constexpr std::size_t is_initialized_at = 12;
constexpr std::size_t frames_at = 16;
constexpr std::size_t copied_back_at = 96;
constexpr std::size_t header_size = 136;

// How long readers may delay the rescue of a removed WAL.
constexpr int removed_wal_patience_ms = 2'000;

// In the header of the main file: 2 if it is read with a WAL, 1 if not.
constexpr std::size_t read_version_at = 19;
constexpr char has_no_wal = 1;

std::uint32_t integer_at(const std::array<char, header_size>& header, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, &header[at], sizeof value);
  return value;
}

/// How many frames of the WAL are not in the main file, by its index.
std::uint32_t not_copied_back(const std::string& index) {
  std::array<char, header_size> header{};
  std::ifstream file{index, std::ios::binary};
  if (!file.read(header.data(), header.size()) || header[is_initialized_at] != 1) {
    return 0;
  }
  const std::uint32_t frames = integer_at(header, frames_at);
  const std::uint32_t copied = integer_at(header, copied_back_at);
  return frames > copied ? frames - copied : 0;
}

} // namespace

std::string own_name_of(const std::string& database) {
  std::error_code failed;
  if (!std::filesystem::is_symlink(database, failed)) {
    return database;
  }
  const auto target = std::filesystem::canonical(database, failed);
  return failed ? database : target.string();
}

std::string database_files::main_trouble(sqlite3* connection) const {
  int has_moved = 0;
  const auto code = sqlite3_file_control(connection, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
  return code == SQLITE_OK && has_moved != 0
             ? fmt::format("{} was deleted, moved or replaced while it was open", database_)
             : std::string{};
}

std::string database_files::wal_trouble(sqlite3* connection) {
  const identity wal = of(wal_);
  const identity index = of(index_);
  if (!noted_wal_.is_there || !noted_index_.is_there) {
    noted_wal_ = wal; // First commit: the connection has just opened these files.
    noted_index_ = index;
    return {};
  }
  if (wal == noted_wal_ && index == noted_index_) {
    return {};
  }
  if (!wal.is_there && index == noted_index_) {
    return save_removed_wal(connection);
  }
  return fmt::format(
      "{} or its index was replaced while the database was open; what was committed last is not "
      "confirmed",
      wal_);
}

/// Asks statx for the inode only. Since Linux 6.13, if the times of a file were read, the next
/// write updates them and so changes the inode, which the flush of a WAL would have to write as
/// well.
database_files::identity database_files::of(const std::string& path) {
  struct statx file {};

  return ::statx(AT_FDCWD, path.c_str(), 0, STATX_INO, &file) == 0
             ? identity{makedev(file.stx_dev_major, file.stx_dev_minor), file.stx_ino, true}
             : identity{};
}

/// Called with the turnstile held, so that no other process starts a new WAL meanwhile.
/// @return what happened, in words.
std::string database_files::save_removed_wal(sqlite3* connection) const {
  int frames = 0;
  int copied = 0;
  sqlite3_busy_timeout(connection, removed_wal_patience_ms);
  const auto code =
      sqlite3_wal_checkpoint_v2(connection, "main", SQLITE_CHECKPOINT_FULL, &frames, &copied);
  return fmt::format(
      "{} was removed while the database was open; {}",
      wal_,
      code == SQLITE_OK && frames == copied
          ? "all it held was copied back into the main file"
          : fmt::format("{} of its {} pages could be copied back", copied, frames));
}

std::string still_file_uri(const std::string& path) {
  std::string text = "file:";
  for (const char c : path) {
    text += c == '%' || c == '?' || c == '#' ? fmt::format("%{:02x}", c) : std::string{c};
  }
  return text + "?immutable=1";
}

outcome<void> check_wal_is_there(const std::string& database) {
  const std::string wal = own_name_of(database) + "-wal";
  const std::string index = own_name_of(database) + "-shm";

  struct stat file {};

  if (::stat(wal.c_str(), &file) == 0 || ::stat(index.c_str(), &file) != 0) {
    return {};
  }
  // Check the locks first: closing the index drops the locks that this process holds on it.
  if (is_locked_by_any(file.st_ino)) {
    return failure{
        {.code = errc::unavailable,
         .message = fmt::format(
             "{} was removed while another process has the database open; that one copies back "
             "what "
             "it held, and ends",
             wal)}};
  }
  const std::uint32_t lost = not_copied_back(index);
  if (lost == 0) {
    return {};
  }
  error why = internal_error(fmt::format(
      "{} was removed, and with it {} pages of confirmed commits. Put the file back, or restore a "
      "copy; to go on without those commits delete {}",
      wal,
      lost,
      index));
  why.details.emplace_back("fault", "corrupt");
  return failure{std::move(why)};
}

outcome<void> check_wal_is_own(const std::string& database) {
  // By SQLite's own file layer, which keeps the locks of other sessions of this process when it
  // closes the file.
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(
      still_file_uri(database).c_str(),
      &opened,
      SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
      nullptr);
  const std::unique_ptr<sqlite3, close_sqlite> connection{opened};
  sqlite3_file* file = nullptr;
  std::array<char, read_version_at + 1> header{};
  if (code != SQLITE_OK
      || sqlite3_file_control(opened, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK
      || file->pMethods->xRead(file, header.data(), static_cast<int>(header.size()), 0) != SQLITE_OK
      || header[read_version_at] != has_no_wal) {
    return {}; // Opening it says what is wrong.
  }
  error why = internal_error(fmt::format(
      "{0} is a copy that has no WAL, and {0}-wal is left of the database that was here before: "
      "together they are neither. To go on with the copy delete {0}-wal and {0}-shm; they may be "
      "kept with the file that they belong to",
      own_name_of(database)));
  why.details.emplace_back("fault", "corrupt");
  return failure{std::move(why)};
}

} // namespace troupe::store

#include "runtime/store/sqlite/wal_files.hpp"

#include "runtime/store/sqlite/process_info.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>

namespace troupe::store {

namespace {

// In the WAL index: how many frames the WAL holds, and how many of them were copied back. Integers
// are the machine's own.
constexpr std::size_t is_initialized_at = 12;
constexpr std::size_t frames_at = 16;
constexpr std::size_t copied_back_at = 96;
constexpr std::size_t header_size = 136;

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

wal_files::identity wal_files::of(const std::string& path) {
  struct stat file {};

  return ::stat(path.c_str(), &file) == 0 ? identity{file.st_dev, file.st_ino, true} : identity{};
}

void wal_files::note() {
  noted_wal_ = of(wal_);
  noted_index_ = of(index_);
}

wal_files::found wal_files::look() const {
  if (!noted_wal_.is_there || !noted_index_.is_there) {
    return found::same;
  }
  if (of(index_) != noted_index_) {
    return found::replaced;
  }
  const identity now = of(wal_);
  return now == noted_wal_ ? found::same : now.is_there ? found::replaced : found::wal_removed;
}

outcome<void> check_wal_is_there(const std::string& database) {
  const std::string wal = database + "-wal";
  const std::string index = database + "-shm";

  struct stat file {};

  if (::stat(wal.c_str(), &file) == 0 || ::stat(index.c_str(), &file) != 0) {
    return {};
  }
  // Asked first: to close the index drops the locks that this process has on it.
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

} // namespace troupe::store

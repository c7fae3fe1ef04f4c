#include "runtime/store/sqlite/wal_check.hpp"

#include "runtime/bytes.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <span>
#include <vector>

namespace troupe::store {

namespace {

constexpr std::size_t wal_header_size = 32;
constexpr std::size_t frame_header_size = 24;
constexpr std::uint32_t magic = 0x377f0682;
constexpr std::uint32_t page_size_min = 512;
constexpr std::uint32_t page_size_max = 65'536;
/// The page size of Troupe's databases, used if a damaged WAL header does not give one.
constexpr std::uint32_t page_size_usual = 4096;

using bytes = std::span<const unsigned char>;

std::uint32_t big_endian(bytes from, std::size_t at) {
  return load_big_endian<std::uint32_t>(&from[at]);
}

std::uint32_t little_endian(bytes from, std::size_t at) {
  return __builtin_bswap32(big_endian(from, at));
}

/// The running checksum of section 4.2. Words are in the byte order of the machine that created the
/// file.
struct checksum {
  std::uint32_t first = 0;
  std::uint32_t second = 0;

  bool operator==(const checksum&) const = default;

  void add(bytes words, bool big) {
    for (std::size_t at = 0; at + 8 <= words.size(); at += 8) {
      first += (big ? big_endian(words, at) : little_endian(words, at)) + second;
      second += (big ? big_endian(words, at + 4) : little_endian(words, at + 4)) + first;
    }
  }
};

struct wal_header {
  bool sound = false;
  bool big = false;
  std::uint32_t page_size = page_size_usual;
  std::uint64_t salt = 0;
  checksum sum;
};

std::uint64_t salt_at(bytes from, std::size_t at) {
  return load_big_endian<std::uint64_t>(&from[at]);
}

wal_header read_header(bytes raw) {
  wal_header header;
  const auto found_magic = big_endian(raw, 0);
  const auto page_size = big_endian(raw, 8);
  const bool power_of_two = (page_size & (page_size - 1)) == 0;
  const bool page_size_sound =
      page_size >= page_size_min && page_size <= page_size_max && power_of_two;
  header.page_size = page_size_sound ? page_size : page_size_usual;
  // A damaged magic number hides the byte order, so assume this machine's.
  const bool magic_sound = (found_magic & ~1U) == magic;
  header.big = magic_sound ? (found_magic & 1) != 0 : std::endian::native == std::endian::big;
  header.salt = salt_at(raw, 16);
  header.sum.add(raw.first(24), header.big);
  header.sound = magic_sound && page_size_sound
                 && header.sum == checksum{big_endian(raw, 24), big_endian(raw, 28)};
  return header;
}

struct wal_frame {
  std::uint64_t salt = 0;
  bool commits = false;
  checksum stored;
};

wal_frame read_frame(bytes raw) {
  return {
      .salt = salt_at(raw, 8),
      .commits = big_endian(raw, 4) != 0,
      .stored = {big_endian(raw, 16), big_endian(raw, 20)}};
}

bool follows(checksum before, bytes raw, const wal_frame& frame, bool big) {
  before.add(raw.first(8), big);
  before.add(raw.subspan(frame_header_size), big);
  return before == frame.stored;
}

error damaged(const std::string& path, const std::string& what) {
  auto found = internal_error(fmt::format("{}: {}", path, what));
  found.details.emplace_back("fault", "corrupt");
  return found;
}

bool read_exactly(std::ifstream& file, std::vector<unsigned char>& into) {
  file.read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size()));
  return file.gcount() == static_cast<std::streamsize>(into.size());
}

} // namespace

outcome<void> check_wal(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::vector<unsigned char> raw(wal_header_size);
  if (!file || !read_exactly(file, raw)) {
    return {}; // The WAL is missing or was never started.
  }
  const auto header = read_header(raw);
  raw.resize(frame_header_size + header.page_size);
  std::optional<wal_frame> previous;
  std::optional<std::uint64_t> first_bad;
  if (!header.sound) {
    first_bad = 0;
  }
  for (std::uint64_t index = 1; read_exactly(file, raw); ++index) {
    const auto frame = read_frame(raw);
    // Frames with another salt are left over from before the WAL was restarted.
    const auto salt = header.sound || !previous ? header.salt : previous->salt;
    const auto before = previous ? previous->stored : header.sum;
    const bool sound = (frame.salt == salt) && follows(before, raw, frame, header.big);
    if (!first_bad && !sound) {
      first_bad = index;
    } else if (first_bad && sound && previous && previous->commits && previous->salt == salt) {
      return failure{damaged(
          path,
          fmt::format(
              "the WAL is damaged in frame {}, and frame {} after it belongs to a later commit: "
              "confirmed commits would be lost. Keep the file, restore a copy",
              *first_bad,
              index))};
    }
    previous = frame;
  }
  return {};
}

} // namespace troupe::store

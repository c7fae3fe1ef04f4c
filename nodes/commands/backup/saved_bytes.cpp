#include "nodes/commands/backup/saved_bytes.hpp"

#include "runtime/descriptor.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <openssl/evp.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace troupe {

namespace {

constexpr std::size_t part_bytes = std::size_t{1} << 20U;

error disk_error(const std::filesystem::path& file, std::string_view what) {
  return internal_error(
      fmt::format("{} {}: {}", what, file.string(), std::generic_category().message(errno)));
}

/// Refuses anything but regular files: opening a pipe would block.
outcome<void> check_is_file(const std::filesystem::path& file) {
  std::error_code failed;
  const auto what = std::filesystem::status(file, failed);
  if (std::filesystem::exists(what) && !std::filesystem::is_regular_file(what)) {
    return failure{invalid(fmt::format("{} is no file", file.string()))};
  }
  return {};
}

} // namespace

outcome<std::string> sha256_of(const std::filesystem::path& file) {
  TROUPE_CHECK(check_is_file(file));
  std::ifstream from{file, std::ios::binary};
  if (!from) {
    return failure{disk_error(file, "cannot read")};
  }
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash{
      EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  bool is_good = EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr) == 1;
  std::vector<char> part(part_bytes);
  while (is_good && from) {
    from.read(part.data(), static_cast<std::streamsize>(part.size()));
    is_good =
        EVP_DigestUpdate(hash.get(), part.data(), static_cast<std::size_t>(from.gcount())) == 1;
  }
  if (!is_good || from.bad() || EVP_DigestFinal_ex(hash.get(), digest.data(), &size) != 1) {
    return failure{disk_error(file, "cannot read")};
  }
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += fmt::format("{:02x}", digest[i]);
  }
  return text;
}

outcome<void> write_synced(const std::filesystem::path& file, std::string_view text) {
  const descriptor to{::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640)};
  if (!to.is_open()) {
    return failure{disk_error(file, "cannot make")};
  }
  if (!to.write_all(text) || !to.sync()) {
    return failure{disk_error(file, "cannot write")};
  }
  return {};
}

outcome<void> copy_synced(const std::filesystem::path& from, const std::filesystem::path& to) {
  TROUPE_CHECK(check_is_file(from));
  const std::filesystem::path part = to.string() + ".part";
  std::ifstream read{from, std::ios::binary};
  const descriptor written{::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)};
  if (!written.is_open()) {
    return failure{disk_error(part, "cannot make")};
  }
  if (!read) {
    return failure{disk_error(from, "cannot read")};
  }
  std::vector<char> bytes(part_bytes);
  bool is_good = true;
  while (is_good && read) {
    read.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    is_good = written.write_all({bytes.data(), static_cast<std::size_t>(read.gcount())});
  }
  is_good = is_good && !read.bad() && written.sync();
  if (!is_good || ::rename(part.c_str(), to.c_str()) != 0) {
    auto why = disk_error(to, "cannot write");
    ::unlink(part.c_str());
    return failure{std::move(why)};
  }
  return {};
}

} // namespace troupe

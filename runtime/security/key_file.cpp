#include "runtime/security/key_file.hpp"

#include "runtime/descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe::security {

namespace {

using key_bytes = std::array<std::uint8_t, 32>;

// Two keys and a few lines of comments.
constexpr std::size_t file_bytes_max = 4'096;
constexpr mode_t secret_mode = 0600;
constexpr mode_t public_mode = 0644;

/// The bytes of a file, wiped when destroyed.
struct file_text {
  std::array<char, file_bytes_max + 1> bytes{};
  std::size_t size = 0;

  file_text() = default;
  file_text(const file_text&) = delete;
  file_text& operator=(const file_text&) = delete;

  ~file_text() { ::explicit_bzero(bytes.data(), bytes.size()); }
};

failure invalid_file(const std::string& file, std::string_view what) {
  return failure{
      {.code = errc::invalid,
       .message = fmt::format("{} {}; `troupe keys` makes such files", file, what)}};
}

failure system_failure(const std::string& file, std::string_view what, int reason) {
  return failure{
      {.code = errc::unavailable,
       .message = fmt::format("cannot {} {}: {}", what, file, std::strerror(reason))}};
}

/// Opens a file without blocking on a pipe, and checks the open descriptor.
outcome<void> read_file(const std::string& file, bool is_secret, file_text& into) {
  const descriptor opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!opened.is_open()) {
    return system_failure(file, "read", errno);
  }

  struct stat facts {};

  if (::fstat(opened.number(), &facts) != 0) {
    return system_failure(file, "read", errno);
  }
  if (!S_ISREG(facts.st_mode)) {
    return invalid_file(file, "is no file of keys");
  }
  if (is_secret && (facts.st_mode & 077U) != 0) {
    return failure{
        {.code = errc::forbidden,
         .message = fmt::format(
             "{} holds a secret key and others may read it (mode {:o}); `chmod 600` it, and "
             "replace "
             "the key if anybody did: `troupe keys rotate`",
             file,
             facts.st_mode & 07777U)}};
  }
  if (is_secret && facts.st_uid != ::geteuid() && facts.st_uid != 0) {
    return failure{
        {.code = errc::forbidden,
         .message = fmt::format(
             "{} belongs to user {}, not to the one who runs this ({})",
             file,
             facts.st_uid,
             ::geteuid())}};
  }
  while (into.size < into.bytes.size()) {
    const ssize_t count =
        ::read(opened.number(), into.bytes.data() + into.size, into.bytes.size() - into.size);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return system_failure(file, "read", errno);
    }
    if (count == 0) {
      return {};
    }
    into.size += static_cast<std::size_t>(count);
  }
  return invalid_file(file, "is too large for a file of keys");
}

/// Calls `take` for each key.
template <class Take>
outcome<void> for_each_key(const std::string& file, const file_text& text, const Take& take) {
  std::string_view left{text.bytes.data(), text.size};
  for (int line = 1; !left.empty(); ++line) {
    const std::size_t end = std::min(left.find('\n'), left.size());
    std::string_view word = left.substr(0, end);
    left.remove_prefix(std::min(end + 1, left.size()));
    if (!word.empty() && word.back() == '\r') {
      word.remove_suffix(1);
    }
    if (word.empty() || word == "#" || word.starts_with("# ")) {
      continue;
    }
    auto key = transport::key_of_z85(word);
    if (!key) {
      // The error does not show the line, which may contain most of a secret.
      return invalid_file(file, fmt::format("has no key in line {}: 40 characters of Z85", line));
    }
    if (transport::is_example_key(*key)) {
      return invalid_file(
          file,
          fmt::format(
              "has an example key of the ZeroMQ manual in line {}, which everybody has", line));
    }
    take(*key);
    ::explicit_bzero(key->data(), key->size());
  }
  return {};
}

/// Writes a new file beside the old one, and renames it over that.
outcome<void> replace_file(const std::string& file, std::string_view text, mode_t mode) {
  std::string beside = file + ".XXXXXX"; // mkostemp creates it with mode 0600, and follows no link.
  const descriptor made{::mkostemp(beside.data(), O_CLOEXEC)};
  if (!made.is_open()) {
    return system_failure(file, "write", errno);
  }
  const auto give_up = [&](int reason) -> outcome<void> {
    ::unlink(beside.c_str());
    return system_failure(file, "write", reason);
  };
  if (!made.write_all(text) || ::fchmod(made.number(), mode) != 0 || !made.sync()
      || ::rename(beside.c_str(), file.c_str()) != 0) {
    return give_up(errno);
  }
  const std::string folder = std::filesystem::path{file}.parent_path().string();
  if (!sync_folder(folder)) {
    return system_failure(folder, "sync the folder", errno);
  }
  return {};
}

} // namespace

bool is_owner_name(std::string_view name) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= 64 && is_lower(name.front())
         && std::ranges::all_of(
             name, [&](char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '_'; });
}

std::string public_file_of(const std::string& folder, std::string_view owner) {
  return (std::filesystem::path{folder} / fmt::format("{}.pub", owner)).string();
}

std::string secret_file_of(const std::string& folder, std::string_view owner) {
  return (std::filesystem::path{folder} / fmt::format("{}.key", owner)).string();
}

outcome<std::vector<transport::curve_public_key>> read_public_keys(const std::string& file) {
  file_text text;
  TROUPE_CHECK(read_file(file, false, text));
  std::vector<transport::curve_public_key> keys;
  TROUPE_CHECK(for_each_key(file, text, [&](const key_bytes& key) { keys.push_back(key); }));
  if (keys.empty() || keys.size() > live_keys_max) {
    return invalid_file(
        file, fmt::format("has {} keys; 1 to {} may be valid at once", keys.size(), live_keys_max));
  }
  return keys;
}

outcome<transport::curve_secret_key> read_secret_key(const std::string& file) {
  file_text text;
  TROUPE_CHECK(read_file(file, true, text));
  transport::curve_secret_key secret;
  int count = 0;
  TROUPE_CHECK(for_each_key(file, text, [&](const key_bytes& key) {
    secret.bytes = key;
    ++count;
  }));
  if (count != 1) {
    return invalid_file(file, fmt::format("has {} secret keys instead of one", count));
  }
  if (transport::is_example_key(transport::public_key_of(secret))) {
    return invalid_file(file, "has the secret of an example key of the ZeroMQ manual");
  }
  return secret;
}

outcome<void> write_public_keys(
    const std::string& file,
    std::string_view owner,
    const std::vector<transport::curve_public_key>& keys) {
  std::string text = fmt::format("# Public keys of {}, the newest first (CURVE, Z85).\n", owner);
  for (const auto& key : keys) {
    text += transport::to_z85(key) + "\n";
  }
  return replace_file(file, text, public_mode);
}

outcome<void> write_secret_key(
    const std::string& file, std::string_view owner, const transport::curve_secret_key& key) {
  std::string word = transport::to_z85(key.bytes);
  std::string text = fmt::format(
      "# The secret key of {} (CURVE, Z85): for its own host alone.\n{}\n", owner, word);
  auto written = replace_file(file, text, secret_mode);
  ::explicit_bzero(word.data(), word.size());
  ::explicit_bzero(text.data(), text.size());
  return written;
}

outcome<std::string> read_key_text(const std::string& file, bool is_secret) {
  file_text text;
  return read_file(file, is_secret, text).map([&] {
    return std::string{text.bytes.data(), text.size};
  });
}

outcome<void> write_key_text(const std::string& file, std::string_view text, bool is_secret) {
  return replace_file(file, text, is_secret ? secret_mode : public_mode);
}

outcome<void> check_key_folder(const std::string& folder) {
  struct stat facts {};

  if (::stat(folder.empty() ? "." : folder.c_str(), &facts) != 0) {
    return failure{
        {.code = errc::unavailable,
         .message = fmt::format(
             "there is no folder of keys {}: {}; `troupe keys new FILE` makes it",
             folder,
             std::strerror(errno))}};
  }
  if (!S_ISDIR(facts.st_mode)) {
    return failure{
        {.code = errc::unavailable,
         .message =
             fmt::format("{} is no folder of keys; `troupe keys new FILE` makes one", folder)}};
  }
  if ((facts.st_mode & 022U) != 0) {
    return failure{
        {.code = errc::forbidden,
         .message = fmt::format(
             "others may write the folder of keys {} (mode {:o}), and so let in whom they like; "
             "`chmod go-w` it",
             folder,
             facts.st_mode & 07777U)}};
  }
  return {};
}

} // namespace troupe::security

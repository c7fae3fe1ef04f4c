#include "runtime/security/token_files.hpp"

#include "runtime/security/key_file.hpp"

#include <filesystem>
#include <openssl/crypto.h>
#include <utility>

namespace troupe::security {

namespace {

outcome<token_keys> read(const std::string& file, bool is_secret) {
  TROUPE_TRY(auto&& text, read_key_text(file, is_secret));
  auto keys = token_keys::of_jwks(text);
  OPENSSL_cleanse(text.data(), text.size());
  if (!keys) {
    error why = std::move(keys).error();
    why.message = file + ": " + why.message;
    return failure{std::move(why)};
  }
  return keys;
}

bool exists(const std::string& file) {
  std::error_code fault;
  return std::filesystem::exists(file, fault);
}

} // namespace

std::string token_secret_file(const std::string& folder) {
  return (std::filesystem::path{folder} / "tokens.jwks").string();
}

std::string token_public_file(const std::string& folder) {
  return (std::filesystem::path{folder} / "tokens.pub.jwks").string();
}

std::string token_file_of(const std::string& folder, std::string_view owner) {
  return (std::filesystem::path{folder} / (std::string{owner} + ".token")).string();
}

outcome<token_keys> read_checking_keys(const std::string& folder) {
  const std::string open = token_public_file(folder);
  return exists(open) ? read(open, false) : read_signing_keys(folder);
}

outcome<token_keys> read_signing_keys(const std::string& folder) {
  const std::string secret = token_secret_file(folder);
  if (!exists(secret)) {
    return failure{
        {.code = errc::unavailable,
         .message =
             "there is no " + secret + "; `troupe token keys FILE` makes the keys of tokens"}};
  }
  auto keys = read(secret, true);
  if (keys && keys->signing() == nullptr) {
    return failure{invalid(secret + " has no key that signs")};
  }
  return keys;
}

outcome<void> write_token_keys(const std::string& folder, const token_keys& keys) {
  if (keys.all().front().algorithm == token_algorithm::ed25519) {
    TROUPE_CHECK(write_key_text(token_public_file(folder), keys.public_jwks(), false));
  }
  std::string text = keys.secret_jwks();
  auto written = write_key_text(token_secret_file(folder), text, true);
  OPENSSL_cleanse(text.data(), text.size());
  return written;
}

} // namespace troupe::security

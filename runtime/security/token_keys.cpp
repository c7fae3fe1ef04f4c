#include "runtime/security/token_keys.hpp"

#include "runtime/base64.hpp"
#include "runtime/security/strict_object.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <memory>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdexcept>

namespace troupe::security {

namespace {

using json = nlohmann::json;

constexpr std::size_t ed25519_bytes = 32;
constexpr std::size_t signature_bytes = 64;
// At least 256 random bits (RFC 7518, 3.2). More than a block of SHA-256 adds no security.
constexpr std::size_t shared_bytes_min = 32;
constexpr std::size_t shared_bytes_max = 1'024;
constexpr std::size_t id_bytes_max = 64;

struct free_key {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

struct free_digest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

using key_pointer = std::unique_ptr<EVP_PKEY, free_key>;
using digest_pointer = std::unique_ptr<EVP_MD_CTX, free_digest>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

key_pointer secret_of(std::string_view bytes) {
  return key_pointer{
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(bytes), bytes.size())};
}

/// The public key of an Ed25519 secret; empty if that is invalid.
std::string public_of(std::string_view secret) {
  const key_pointer key = secret_of(secret);
  std::string found(ed25519_bytes, '\0');
  std::size_t size = found.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), bytes_of(found), &size) != 1) {
    return {};
  }
  return found;
}

std::string hmac(std::string_view secret, std::string_view message) {
  std::string made(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  if (HMAC(
          EVP_sha256(),
          secret.data(),
          static_cast<int>(secret.size()),
          bytes_of(message),
          message.size(),
          bytes_of(made),
          &size)
      == nullptr) {
    throw std::runtime_error{"OpenSSL makes no HMAC"};
  }
  made.resize(size);
  return made;
}

std::string random_text(std::size_t size) {
  std::string made(size, '\0');
  if (RAND_bytes(bytes_of(made), static_cast<int>(size)) != 1) {
    throw std::runtime_error{"OpenSSL has no random bytes"};
  }
  return made;
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= id_bytes_max && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'
           || c == '_';
  });
}

std::string member_text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::string member_bytes(const json& object, const char* key) {
  return from_base64url(member_text(object, key)).value_or(std::string{});
}

failure no_key(std::string_view why) {
  return failure{{.code = errc::invalid, .message = fmt::format("a key of tokens {}", why)}};
}

outcome<token_key> key_of(const json& from) {
  token_key key;
  key.id = member_text(from, "kid");
  if (!is_id(key.id)) {
    return no_key("has no `kid` of 1 to 64 letters, digits, - and _");
  }
  const std::string kind = member_text(from, "kty");
  const std::string algorithm = member_text(from, "alg");
  if (kind == "oct" && algorithm == "HS256") {
    key.algorithm = token_algorithm::hs256;
    key.secret = member_bytes(from, "k");
    if (key.secret.size() < shared_bytes_min || key.secret.size() > shared_bytes_max) {
      return no_key("of HS256 has no `k` of 32 to 1,024 bytes");
    }
    return key;
  }
  if (kind != "OKP" || member_text(from, "crv") != "Ed25519"
      || (!algorithm.empty() && algorithm != "EdDSA")) {
    return no_key("is neither Ed25519 (`kty` OKP) nor a shared secret (`kty` oct, `alg` HS256)");
  }
  key.public_key = member_bytes(from, "x");
  key.secret = member_bytes(from, "d");
  const bool has_secret = from.contains("d");
  if (key.public_key.size() != ed25519_bytes
      || (has_secret
          && (key.secret.size() != ed25519_bytes || public_of(key.secret) != key.public_key))) {
    return no_key("of Ed25519 has no `x` of 32 bytes, or a `d` that does not belong to it");
  }
  return key;
}

json jwk_of(const token_key& key, bool with_secret) {
  json made{{"kid", key.id}, {"alg", name_of(key.algorithm)}, {"use", "sig"}};
  if (key.algorithm == token_algorithm::hs256) {
    made["kty"] = "oct";
    made["k"] = to_base64url(key.secret);
    return made;
  }
  made["kty"] = "OKP";
  made["crv"] = "Ed25519";
  made["x"] = to_base64url(key.public_key);
  if (with_secret && !key.secret.empty()) {
    made["d"] = to_base64url(key.secret);
  }
  return made;
}

token_key new_key(token_algorithm algorithm) {
  token_key made;
  made.algorithm = algorithm;
  made.secret = random_text(ed25519_bytes);
  made.id = to_base64url(random_text(9));
  made.public_key = algorithm == token_algorithm::ed25519 ? public_of(made.secret) : "";
  return made;
}

} // namespace

std::string_view name_of(token_algorithm algorithm) {
  return algorithm == token_algorithm::ed25519 ? "EdDSA" : "HS256";
}

token_key::~token_key() {
  OPENSSL_cleanse(secret.data(), secret.size());
}

outcome<token_keys> token_keys::of_jwks(std::string_view text) {
  const auto read = text.size() <= text_bytes_max ? parse_strict_object(text) : std::nullopt;
  const auto list = read ? read->find("keys") : json::const_iterator{};
  if (!read || list == read->end() || !list->is_array() || list->empty()
      || list->size() > live_max) {
    return no_key(fmt::format("stands in no set of JWK (`keys`: 1 to {} of them)", live_max));
  }
  token_keys made;
  for (const json& each : *list) {
    TROUPE_TRY(auto key, each.is_object() ? key_of(each) : no_key("is no object"));
    if (made.find(key.id) != nullptr) {
      return no_key(fmt::format("comes twice: `kid` {}", key.id));
    }
    made.keys_.push_back(std::move(key));
  }
  return made;
}

token_keys token_keys::make(token_algorithm algorithm) {
  token_keys made;
  made.keys_.push_back(new_key(algorithm));
  return made;
}

token_keys token_keys::rotated() const {
  token_keys made = make(keys_.front().algorithm);
  for (const token_key& each : keys_) {
    if (made.keys_.size() < live_max) {
      made.keys_.push_back(each);
    }
  }
  return made;
}

const token_key* token_keys::find(std::string_view id) const {
  const auto found = std::ranges::find(keys_, id, &token_key::id);
  return found == keys_.end() ? nullptr : &*found;
}

const token_key* token_keys::signing() const {
  const auto found =
      std::ranges::find_if(keys_, [](const token_key& each) { return !each.secret.empty(); });
  return found == keys_.end() ? nullptr : &*found;
}

std::string token_keys::secret_jwks() const {
  json list = json::array();
  for (const token_key& each : keys_) {
    list.push_back(jwk_of(each, true));
  }
  return json{{"keys", list}}.dump(2) + '\n';
}

std::string token_keys::public_jwks() const {
  json list = json::array();
  for (const token_key& each : keys_) {
    if (each.algorithm == token_algorithm::ed25519) {
      list.push_back(jwk_of(each, false));
    }
  }
  return json{{"keys", list}}.dump(2) + '\n';
}

std::string sign(const token_key& key, std::string_view message) {
  if (key.algorithm == token_algorithm::hs256) {
    return hmac(key.secret, message);
  }
  const key_pointer secret = secret_of(key.secret);
  const digest_pointer context{EVP_MD_CTX_new()};
  std::string made(signature_bytes, '\0');
  std::size_t size = made.size();
  if (!secret || !context
      || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, secret.get()) != 1
      || EVP_DigestSign(context.get(), bytes_of(made), &size, bytes_of(message), message.size())
             != 1) {
    throw std::runtime_error{"OpenSSL does not sign with this key"};
  }
  return made;
}

bool is_signed(const token_key& key, std::string_view message, std::string_view signature) {
  if (key.algorithm == token_algorithm::hs256) {
    const std::string own = hmac(key.secret, message);
    return signature.size() == own.size()
           && CRYPTO_memcmp(own.data(), signature.data(), own.size()) == 0;
  }
  const key_pointer known{EVP_PKEY_new_raw_public_key(
      EVP_PKEY_ED25519, nullptr, bytes_of(key.public_key), key.public_key.size())};
  const digest_pointer context{EVP_MD_CTX_new()};
  return known && context && signature.size() == signature_bytes
         && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, known.get()) == 1
         && EVP_DigestVerify(
                context.get(),
                bytes_of(signature),
                signature.size(),
                bytes_of(message),
                message.size())
                == 1;
}

} // namespace troupe::security

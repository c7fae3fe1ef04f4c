#include "runtime/http/tls_context.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>

namespace troupe::http {

namespace {

failure unusable(const std::string& file, std::string_view why) {
  return failure{invalid(fmt::format("{} cannot be used for TLS: {}", file, why))};
}

/// OpenSSL's reason for the last failure.
std::string openssl_reason() {
  const char* const reason = ::ERR_reason_error_string(::ERR_peek_last_error());
  ::ERR_clear_error();
  return reason != nullptr ? reason : "OpenSSL does not say why";
}

using open_file = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

failure unusable_now(const std::string& file) {
  return unusable(file, std::strerror(errno)); // NOLINT(concurrency-mt-unsafe): glibc's is safe.
}

/// Opens a file without blocking on a pipe, and checks the open descriptor, since the name may
/// refer to another file by now.
/// @param is_secret refuse the file if other users can read it.
outcome<open_file> opened(const std::string& file, bool is_secret) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  open_file made{descriptor < 0 ? nullptr : ::fdopen(descriptor, "r"), &std::fclose};

  struct ::stat status {};

  if (made == nullptr || ::fstat(descriptor, &status) != 0) {
    return unusable_now(file);
  }
  if (!S_ISREG(status.st_mode)) {
    return unusable(file, "it is no file");
  }
  if (is_secret && (status.st_mode & S_IRWXO) != 0) {
    return unusable(file, "everybody on this machine may read it: `chmod 600` it");
  }
  return made;
}

/// Keeps OpenSSL from asking for a key's password on the terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

/// Uses the private key in `from`.
/// @return false if there is none, or if it does not belong to the certificate.
bool use_key(::SSL_CTX* context, std::FILE* from) {
  ::EVP_PKEY* const key = ::PEM_read_PrivateKey(from, nullptr, no_password, nullptr);
  const bool is_used = key != nullptr && ::SSL_CTX_use_PrivateKey(context, key) == 1
                       && ::SSL_CTX_check_private_key(context) == 1;
  ::EVP_PKEY_free(key);
  return is_used;
}

/// Selects HTTP/1.1 from the client's ALPN offer; refuses a client that offers only other
/// protocols.
int choose_protocol(
    ::SSL*,
    const unsigned char** chosen,
    unsigned char* chosen_size,
    const unsigned char* offered,
    unsigned int offered_size,
    void*) {
  constexpr std::string_view ours{"\x08http/1.1"};
  unsigned char* found = nullptr;
  const int answer = ::SSL_select_next_proto(
      &found,
      chosen_size,
      reinterpret_cast<const unsigned char*>(ours.data()),
      static_cast<unsigned int>(ours.size()),
      offered,
      offered_size);
  *chosen = found;
  return answer == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

outcome<void> check_dates(::SSL_CTX* context, const std::string& file) {
  const ::X509* const certificate = ::SSL_CTX_get0_certificate(context);
  if (::X509_cmp_current_time(::X509_get0_notAfter(certificate)) < 0) {
    return unusable(file, "the certificate is expired");
  }
  return {};
}

} // namespace

outcome<std::shared_ptr<boost::asio::ssl::context>> load_tls(const tls_files& files) {
  // OpenSSL reads certificates by file name; they are not secret.
  TROUPE_CHECK(opened(files.certificate, false));
  TROUPE_TRY(auto key, opened(files.key, true));
  auto made = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
  ::SSL_CTX* const context = made->native_handle();
  ::ERR_clear_error();
  ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  ::SSL_CTX_set_options(
      context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  ::SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
  ::SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  if (::SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return unusable(files.certificate, openssl_reason());
  }
  if (!use_key(context, key.get())) {
    return unusable(files.key, openssl_reason());
  }
  TROUPE_CHECK(check_dates(context, files.certificate));
  return made;
}

} // namespace troupe::http

#pragma once

#include "runtime/http/http_options.hpp"
#include "runtime/outcome.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>

namespace troupe::http {

/// TLS 1.2 and 1.3 with the certificate and key of `files`.
///
/// @errors `invalid`: a file cannot be read, the key is readable by others, is not the
/// certificate's or
///         the certificate is expired; the message names the file and what to do.
/// @source RFC 9325, 3 and 4: versions, no compression, no renegotiation, ciphers with forward
/// secrecy.
outcome<std::shared_ptr<boost::asio::ssl::context>> load_tls(const tls_files& files);

} // namespace troupe::http

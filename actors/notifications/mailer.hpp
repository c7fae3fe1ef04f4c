#pragma once

#include "actors/notifications/options.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"

#include <memory>
#include <string>

namespace troupe::notifications {

/// A mail that is ready to be sent.
struct letter {
  /// The same in every attempt, so that a repeat can be recognised.
  uuid key;
  std::string from;
  std::string to;
  /// Headers and body in the form of RFC 5322, lines ended by CRLF.
  std::string text;
};

/// The answer to a mail.
struct delivery {
  bool taken = false;
  /// The reason why the mail was not taken, which is final.
  std::string reason;
};

/// Sends mails. Confined to one thread; may block.
///
/// Sending a letter again under the same key does no harm. An error is technical and leaves open
/// whether the mail was taken: try again.
class mailer {
public:
  mailer() = default;
  mailer(const mailer&) = delete;
  mailer& operator=(const mailer&) = delete;
  virtual ~mailer() = default;

  virtual outcome<delivery> send(const letter& mail) = 0;
};

/// The mailer selected by a capability's `config`.
/// @param folder the base of relative paths.
std::unique_ptr<mailer>
make_mailer(const notifications_options& options, const std::string& folder);

} // namespace troupe::notifications

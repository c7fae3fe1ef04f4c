#pragma once

#include "actors/notifications/options.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"

#include <memory>
#include <string>

namespace troupe::notifications {

/// A mail that is ready to leave.
struct letter {
  /// The same on every try: what a repeat is known by.
  uuid key;
  std::string from;
  std::string to;
  /// Headers and body as RFC 5322 wants them, lines ended by CRLF.
  std::string text;
};

/// What was said to a mail.
struct delivery {
  bool taken = false;
  /// Why not. For good: it is of no use to try again.
  std::string reason;
};

/// Whoever takes mails on. Confined to one thread; may block.
///
/// Sending a letter again under the same key does no harm. An error is technical, and leaves open
/// whether it was taken: try again.
class mailer {
public:
  mailer() = default;
  mailer(const mailer&) = delete;
  mailer& operator=(const mailer&) = delete;
  virtual ~mailer() = default;

  virtual outcome<delivery> send(const letter& mail) = 0;
};

/// The mailer that a capability's `config` asks for.
/// @param folder what relative paths in it start at.
std::unique_ptr<mailer>
make_mailer(const notifications_options& options, const std::string& folder);

} // namespace troupe::notifications

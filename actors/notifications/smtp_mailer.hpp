#pragma once

#include "actors/notifications/mailer.hpp"

#include <memory>

namespace troupe::notifications {

/// Sends mails to a mail server over a persistent connection, with libcurl.
///
/// When the answer to a mail is lost, the mail is sent again under the same Message-ID: SMTP offers
/// nothing better.
/// @source RFC 5321, 4.2.3 (reply codes) and 6.1.
class smtp_mailer final : public mailer {
public:
  explicit smtp_mailer(smtp_options options);
  ~smtp_mailer() override;

  outcome<delivery> send(const letter& mail) override;

private:
  struct session;

  smtp_options options_;
  std::unique_ptr<session> session_;
};

} // namespace troupe::notifications

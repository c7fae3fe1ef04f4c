#pragma once

#include "runtime/wire/message.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace troupe::notifications {

/// A mail server that takes our mails on.
struct smtp_options {
  /// "smtp://host:port", or "smtps://host:port" for TLS from the first byte.
  std::string url;
  /// Go on only over TLS (STARTTLS) after a plain start.
  bool starttls = false;
  /// For one mail, connecting included.
  std::chrono::milliseconds timeout{20'000};
};

TROUPE_MESSAGE(smtp_options, url, starttls, timeout)

/// The `config` of a capability of type `notifications`.
struct notifications_options {
  /// A folder that gets a file for each mail, relative to the topology's; unless there is `smtp`.
  std::string spool = "data/mail";
  std::optional<smtp_options> smtp;
  std::string from = "shop@shop.example";
  /// Where customers have their mail who are known by a mere name: NAME@DOMAIN.
  std::string domain = "customers.example";
};

TROUPE_MESSAGE(notifications_options, spool, smtp, from, domain)

/// What is wrong with them beyond what their types say, and what to do about it.
struct options_problem {
  std::string what;
  std::string remedy;
};

std::optional<options_problem> problem_of(const notifications_options& options);

} // namespace troupe::notifications

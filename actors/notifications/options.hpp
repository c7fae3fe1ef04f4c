#pragma once

#include "runtime/actor/config_mapping.hpp"
#include "runtime/wire/message.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace troupe::notifications {

/// The mail server that accepts the mails.
struct smtp_options {
  /// "smtp://host:port", or "smtps://host:port" for TLS from the first byte.
  std::string url;
  /// Whether to insist on TLS (STARTTLS) after a plain start.
  bool starttls = false;
  /// The time for one mail, connecting included.
  std::chrono::milliseconds timeout{20'000};
};

TROUPE_MESSAGE(smtp_options, url, starttls, timeout)

/// The `config` of a capability of type `notifications`.
struct notifications_options {
  /// The folder that gets a file for each mail, unless there is `smtp`; relative to the topology's
  /// folder.
  std::string spool = "data/mail";
  std::optional<smtp_options> smtp;
  std::string from = "shop@shop.example";
  /// The mail domain of customers who are known by a name only: NAME@DOMAIN.
  std::string domain = "customers.example";
};

TROUPE_MESSAGE(notifications_options, spool, smtp, from, domain)

/// Finds faults in an address, a URL or a folder, which types cannot express.
std::optional<config_problem> problem_of(const notifications_options& options);

} // namespace troupe::notifications

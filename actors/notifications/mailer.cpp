#include "actors/notifications/mailer.hpp"

#include "actors/notifications/letter_text.hpp"
#include "actors/notifications/smtp_mailer.hpp"
#include "actors/notifications/spool_mailer.hpp"
#include "runtime/config.hpp"
#include "runtime/range.hpp"

#include <filesystem>

namespace troupe::notifications {

namespace {

constexpr range<std::chrono::milliseconds> timeout_range{
    std::chrono::milliseconds{10}, std::chrono::minutes{10}};

} // namespace

std::optional<config_problem> problem_of(const notifications_options& options) {
  if (!is_address(options.from)) {
    return config_problem{
        "`from` is no mail address: `" + options.from + "`", "write it as shop@example.org"};
  }
  if (!is_address("x@" + options.domain)) {
    return config_problem{
        "`domain` is no name of a mail domain: `" + options.domain + "`",
        "write it as example.org"};
  }
  if (!options.smtp) {
    return options.spool.empty() ? std::optional{config_problem{
               "`spool` names no folder", "name one, or give `smtp: {url: ...}`"}}
                                 : std::nullopt;
  }
  const std::string& url = options.smtp->url;
  if (!url.starts_with("smtp://") && !url.starts_with("smtps://")) {
    return config_problem{
        "`smtp.url` is no mail server: `" + url + "`", "write it as smtp://HOST:PORT"};
  }
  // Without a limit, a server that does not answer would block the effect's thread forever.
  if (options.smtp->timeout < timeout_range.least || options.smtp->timeout > timeout_range.most) {
    return config_problem{
        "`smtp.timeout` is " + duration_text(options.smtp->timeout),
        "give a duration from " + duration_text(timeout_range.least) + " to "
            + duration_text(timeout_range.most)};
  }
  return std::nullopt;
}

std::unique_ptr<mailer>
make_mailer(const notifications_options& options, const std::string& folder) {
  if (options.smtp) {
    return std::make_unique<smtp_mailer>(*options.smtp);
  }
  return std::make_unique<spool_mailer>((std::filesystem::path{folder} / options.spool).string());
}

} // namespace troupe::notifications

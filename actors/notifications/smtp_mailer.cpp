#include "actors/notifications/smtp_mailer.hpp"

#include <algorithm>
#include <array>
#include <curl/curl.h>
#include <fmt/format.h>
#include <stdexcept>
#include <string_view>

namespace troupe::notifications {

namespace {

std::size_t give(char* to, std::size_t size, std::size_t count, void* from) {
  auto& left = *static_cast<std::string_view*>(from);
  const std::size_t bytes = std::min(size * count, left.size());
  std::copy_n(left.data(), bytes, to);
  left.remove_prefix(bytes);
  return bytes;
}

struct free_list {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// Whether a reply code rejects the mail itself, so that a retry is useless.
bool is_about_the_mail(long code) {
  return code == 550 || code == 551 || code == 552 || code == 553 || code == 554;
}

} // namespace

struct smtp_mailer::session {
  session() : handle{curl_easy_init()} {
    if (handle == nullptr) {
      throw std::runtime_error{"libcurl cannot be initialized"};
    }
  }

  session(const session&) = delete;
  session& operator=(const session&) = delete;

  ~session() { curl_easy_cleanup(handle); }

  CURL* handle;
  std::array<char, CURL_ERROR_SIZE> why{};
};

smtp_mailer::smtp_mailer(smtp_options options) : options_{std::move(options)} {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) {
    throw std::runtime_error{"libcurl cannot be initialized"};
  }
  session_ = std::make_unique<session>();
}

smtp_mailer::~smtp_mailer() = default;

outcome<delivery> smtp_mailer::send(const letter& mail) {
  CURL* handle = session_->handle;
  curl_easy_reset(handle); // Keeps the connection open.
  const std::unique_ptr<curl_slist, free_list> recipients{
      curl_slist_append(nullptr, ("<" + mail.to + ">").c_str())};
  std::string_view left = mail.text;
  const std::string from = "<" + mail.from + ">";
  session_->why[0] = '\0';
  curl_easy_setopt(handle, CURLOPT_URL, options_.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(
      handle, CURLOPT_USE_SSL, options_.starttls ? long{CURLUSESSL_ALL} : long{CURLUSESSL_NONE});
  curl_easy_setopt(handle, CURLOPT_MAIL_FROM, from.c_str());
  curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(handle, CURLOPT_READFUNCTION, give);
  curl_easy_setopt(handle, CURLOPT_READDATA, &left);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, session_->why.data());
  const CURLcode done = curl_easy_perform(handle);
  if (done == CURLE_OK) {
    return delivery{true, {}};
  }
  long code = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
  const char* why = session_->why[0] != '\0' ? session_->why.data() : curl_easy_strerror(done);
  if (is_about_the_mail(code)) {
    return delivery{false, fmt::format("the mail server refused it with {}: {}", code, why)};
  }
  return failure{error{
      .code = errc::unavailable,
      .possible = effect::unknown,
      .message = fmt::format("{} did not take the mail ({}): {}", options_.url, code, why)}};
}

} // namespace troupe::notifications

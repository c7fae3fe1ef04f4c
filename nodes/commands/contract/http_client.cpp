#include "nodes/commands/contract/http_client.hpp"

#include "runtime/http/fields.hpp"

#include <array>
#include <cctype>
#include <curl/curl.h>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <utility>

namespace troupe {

namespace {

constexpr std::size_t body_bytes_max = std::size_t{16} * 1024 * 1024;

struct free_handle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

struct free_list {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::size_t take_body(char* from, std::size_t size, std::size_t count, void* to) {
  std::string& body = static_cast<contract::actual_response*>(to)->body;
  if (body.size() + size * count > body_bytes_max) {
    return 0; // Makes libcurl abort the transfer.
  }
  body.append(from, size * count);
  return size * count;
}

std::size_t take_field(char* from, std::size_t size, std::size_t count, void* to) {
  auto& response = *static_cast<contract::actual_response*>(to);
  std::string_view line{from, size * count};
  if (line.substr(0, 5) == "HTTP/") { // The final answer after a "100 Continue".
    response.fields.clear();
  }
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    std::string name = http::lower_case(line.substr(0, colon));
    const std::string_view value = line.substr(colon + 1, line.find_last_not_of("\r\n") - colon);
    response.fields.emplace_back(std::move(name), std::string{http::trimmed(value)});
  }
  return size * count;
}

/// `text` with every character escaped that is not allowed in a URL.
/// @param keeps characters that have a meaning at this place.
std::string escaped(std::string_view text, std::string_view keeps) {
  std::string made;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool is_plain = std::isalnum(byte) != 0
                          || std::string_view{"-._~"}.find(letter) != std::string_view::npos
                          || keeps.find(letter) != std::string_view::npos;
    made += is_plain && byte < 0x80 ? std::string{letter} : fmt::format("%{:02X}", byte);
  }
  return made;
}

std::string url_of(std::string base, const contract::actual_request& asked) {
  if (!base.empty() && base.back() == '/' && !asked.path.empty()) {
    base.pop_back();
  }
  // The path of a contract may contain escapes already.
  base += escaped(asked.path, "/%:@!$&'()*+,;=");
  char separator = '?';
  for (const auto& [name, value] : asked.query) {
    base += fmt::format("{}{}={}", separator, escaped(name, ""), escaped(value, ""));
    separator = '&';
  }
  return base;
}

/// Why the request sent would differ from the contract's, or would go to another host.
std::optional<error> fault_of(const contract::actual_request& asked) {
  if (!asked.path.empty() && asked.path.front() != '/') {
    return invalid(fmt::format(
        "the path `{}` does not begin with `/`: behind the address of the provider it would name "
        "another host; nothing was sent",
        asked.path));
  }
  if (!http::is_token(asked.method)) {
    return invalid(
        fmt::format("no method of HTTP is called like this; nothing was sent: `{}`", asked.method));
  }
  for (const auto& [name, value] : asked.fields) {
    if (!http::is_token(name) || !http::is_field_value(value)) {
      return invalid(fmt::format(
          "the field `{}` has letters that no field of HTTP has; nothing was sent", name));
    }
  }
  return std::nullopt;
}

} // namespace

bool is_http_url(std::string_view text) {
  return text.substr(0, 7) == "http://" || text.substr(0, 8) == "https://";
}

outcome<contract::actual_response>
send_http(const std::string& base, const contract::actual_request& asked, milliseconds within) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, free_handle> owner{ready == CURLE_OK ? curl_easy_init() : nullptr};
  if (!owner) {
    return failure{internal_error("libcurl cannot be initialized")};
  }
  if (auto wrong = fault_of(asked)) {
    return failure{std::move(*wrong)};
  }
  std::unique_ptr<curl_slist, free_list> fields;
  const auto add_field = [&](const std::string& line) {
    fields.reset(curl_slist_append(fields.release(), line.c_str()));
  };
  add_field("Expect:");
  add_field("Accept:"); // Only the contract decides which fields are sent.
  if (!asked.body.empty()) {
    add_field("Content-Type:");
  }
  for (const auto& [name, value] : asked.fields) {
    add_field(value.empty() ? name + ";" : name + ": " + value);
  }
  contract::actual_response response;
  std::array<char, CURL_ERROR_SIZE> why{};
  CURL* const handle = owner.get();
  const std::string url = url_of(base, asked);
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, fields.get());
  if (!asked.body.empty()) {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(asked.body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, asked.body.c_str());
  }
  if (asked.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  } else {
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, asked.method.c_str());
  }
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &response);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_field);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &response);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(within.count()));
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, why.data());
  const CURLcode done = curl_easy_perform(handle);
  if (done != CURLE_OK) {
    return failure{error{
        done == CURLE_OPERATION_TIMEDOUT ? errc::deadline_exceeded : errc::unavailable,
        effect::unknown,
        fmt::format(
            "{} {}: {}",
            asked.method,
            url,
            why[0] == '\0' ? curl_easy_strerror(done) : why.data())}};
  }
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  return response;
}

} // namespace troupe

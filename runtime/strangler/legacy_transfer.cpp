#include "runtime/strangler/legacy_transfer.hpp"

#include "runtime/strangler/comparison.hpp"

#include <algorithm>
#include <charconv>
#include <curl/curl.h>
#include <fmt/format.h>
#include <new>
#include <utility>

namespace troupe::strangler {

namespace {

constexpr std::size_t answer_head_bytes_max = std::size_t{64} * 1'024;

/// Whether repeating a request has no further effect.
/// @source RFC 9110, 9.2.2.
bool is_idempotent(http::method which) {
  return which != http::method::post && which != http::method::patch;
}

} // namespace

legacy_transfer::legacy_transfer(
    const legacy_system& to,
    const http::request& what,
    std::string_view client,
    instant until,
    observe::event_log& log,
    legacy_client::receiver receiver)
    : system_{to}, method_{what.method == http::method::head ? http::method::get : what.method},
      target_{to.at.prefix + what.target.raw}, fields_{forwarded_fields(what, client)},
      body_{what.body}, until_{until}, log_{log}, receiver_{std::move(receiver)},
      handle_{curl_easy_init()} {
  static_assert(sizeof why_ == CURL_ERROR_SIZE);
  if (handle_ == nullptr) {
    throw std::bad_alloc{};
  }
}

legacy_transfer::~legacy_transfer() {
  curl_easy_cleanup(handle_);
  curl_slist_free_all(lines_);
}

void legacy_transfer::prepare(instant now) {
  // The host comes from the topology, whatever the request says; the target is sent as received.
  curl_easy_setopt(handle_, CURLOPT_URL, system_.at.origin.c_str());
  curl_easy_setopt(handle_, CURLOPT_REQUEST_TARGET, target_.c_str());
  curl_easy_setopt(handle_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle_, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  curl_easy_setopt(handle_, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle_, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);
  // Do not wait for a thread whose name lookup is stuck: half a minute would delay all other
  // requests.
  curl_easy_setopt(handle_, CURLOPT_QUICK_EXIT, 1L);
  const auto left = std::chrono::duration_cast<milliseconds>(until_ - now).count();
  curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(left, 1)));
  curl_easy_setopt(handle_, CURLOPT_ERRORBUFFER, why_.data());
  curl_easy_setopt(handle_, CURLOPT_PRIVATE, this);
  curl_easy_setopt(handle_, CURLOPT_HEADERFUNCTION, &take_head);
  curl_easy_setopt(handle_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, &take_body);
  curl_easy_setopt(handle_, CURLOPT_WRITEDATA, this);
  // libcurl repeats a request by itself if a reused connection turns out to be closed, so
  // requests that are not idempotent get a new one.
  curl_easy_setopt(handle_, CURLOPT_FRESH_CONNECT, is_idempotent(method_) ? 0L : 1L);
  set_request();
}

void legacy_transfer::set_request() {
  const std::string method{http::name_of(method_)};
  const bool has_body = !body_.empty() || method_ == http::method::post
                        || method_ == http::method::put || method_ == http::method::patch;
  if (has_body) {
    curl_easy_setopt(handle_, CURLOPT_POST, 1L);
    curl_easy_setopt(handle_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
    curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, body_.c_str());
  }
  curl_easy_setopt(handle_, CURLOPT_CUSTOMREQUEST, method.c_str());
  // Suppress fields that libcurl would add, unless the request has them.
  for (const char* own : {"accept", "content-type", "expect"}) {
    if (!http::find(fields_, own)) {
      add_line(fmt::format("{}:", own));
    }
  }
  for (const auto& [name, value] : fields_) {
    add_line(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  }
  curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, lines_);
}

void legacy_transfer::add_line(const std::string& line) {
  curl_slist* const longer = curl_slist_append(lines_, line.c_str());
  if (longer == nullptr) {
    throw std::bad_alloc{};
  }
  lines_ = longer;
}

std::size_t
legacy_transfer::take_head(char* line, std::size_t size, std::size_t count, void* self) {
  const std::size_t bytes = size * count;
  return static_cast<legacy_transfer*>(self)->take_head_line({line, bytes}) ? bytes : 0;
}

bool legacy_transfer::take_head_line(std::string_view line) {
  head_bytes_ += line.size();
  if (head_bytes_ > answer_head_bytes_max) {
    is_too_large_ = true;
    return false;
  }
  if (has_head_) {
    return true; // Trailers, which concern this connection only.
  }
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) {
    line.remove_suffix(1);
  }
  if (line.empty()) {
    // Interim answers (1xx) concern this connection only.
    has_head_ = answer_.status >= 200;
    if (!has_head_) {
      answer_.fields.clear();
    }
  } else if (line.starts_with("HTTP/")) {
    const std::size_t blank = std::min(line.find(' '), line.size() - 1);
    answer_.status = 0;
    std::from_chars(line.data() + blank + 1, line.data() + line.size(), answer_.status);
  } else {
    const std::size_t colon = std::min(line.find(':'), line.size());
    answer_.fields.emplace_back(
        line.substr(0, colon), http::trimmed(line.substr(std::min(colon + 1, line.size()))));
  }
  return true;
}

std::size_t
legacy_transfer::take_body(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& here = *static_cast<legacy_transfer*>(self);
  const std::size_t more = size * count;
  if (here.answer_.body.size() + more > here.system_.how.answer_bytes_max) {
    here.is_too_large_ = true;
    return 0;
  }
  here.answer_.body.append(bytes, more);
  return more;
}

bool legacy_transfer::was_looked_up_in_vain(int code) const {
  curl_off_t looked_up = 0;
  curl_easy_getinfo(handle_, CURLINFO_NAMELOOKUP_TIME_T, &looked_up);
  return code == CURLE_OPERATION_TIMEDOUT && looked_up == 0 && !was_sent();
}

void legacy_transfer::end(int code) {
  if (code != CURLE_OK) {
    return end_without_answer(code);
  }
  if (auto answer = returned(std::move(answer_), system_.at)) {
    return receiver_(std::move(*answer));
  }
  refuse(502, "legacy_broken", "the legacy system's answer has a head that cannot be passed on");
}

void legacy_transfer::end_without_answer(int code) {
  const char* const why =
      why_[0] != '\0' ? why_.data() : curl_easy_strerror(static_cast<CURLcode>(code));
  if (is_too_large_) {
    return refuse(
        502,
        "legacy_answer_too_large",
        fmt::format(
            "the legacy system's answer has a body of more than {} bytes, or a head of more than "
            "{}",
            system_.how.answer_bytes_max,
            answer_head_bytes_max));
  }
  if (code == CURLE_OPERATION_TIMEDOUT) {
    tell("legacy_timeout", why);
    return refuse(504, "legacy_timeout", "the legacy system has not answered in time");
  }
  if (was_sent()) {
    tell("legacy_broken", why);
    return refuse(
        502,
        "legacy_broken",
        "the legacy system has answered nothing that can be passed on: its answer ended early, or "
        "is no HTTP");
  }
  tell("legacy_unreachable", why);
  refuse(502, "legacy_unreachable", "the legacy system cannot be reached");
}

/// Logs why there is no answer: addresses, ports and certificates must not be shown to clients.
void legacy_transfer::tell(std::string_view code, std::string_view why) const {
  log_.write(
      "legacy.failed",
      {{"legacy", system_.at.origin}, {"code", std::string{code}}, {"why", std::string{why}}});
}

void legacy_transfer::refuse(int status, std::string_view code, std::string detail) {
  http::problem why{.status = status, .code = std::string{code}, .detail = std::move(detail)};
  why.texts.emplace_back("effect", was_sent() && !is_safe(method_) ? "unknown" : "none");
  if (status == 503) {
    why.numbers.emplace_back("retry_after_ms", 1'000);
  }
  receiver_(tl::unexpected{std::move(why)});
}

bool legacy_transfer::was_sent() const {
  long bytes = 0;
  curl_easy_getinfo(handle_, CURLINFO_REQUEST_SIZE, &bytes);
  return bytes > 0;
}

} // namespace troupe::strangler

#include "runtime/observe/span_exporter.hpp"

#include "runtime/backoff.hpp"
#include "runtime/quiet_thread.hpp"

#include <algorithm>
#include <array>
#include <curl/curl.h>
#include <fmt/format.h>
#include <utility>

namespace troupe::observe {

namespace {

// The most spans per request: about 200 KiB.
constexpr std::size_t batch_max = 512;
constexpr milliseconds backoff_first{1'000};
constexpr milliseconds backoff_most{60'000};

// Bytes of an answer that are kept; a longer answer contains nothing of use.
constexpr std::size_t answer_bytes_max = std::size_t{16} << 10U;

} // namespace

export_verdict verdict_on_export(long status) {
  switch (status) {
  case 0:
  case 429:
  case 502:
  case 503:
  case 504:
    return export_verdict::again;
  default:
    return status >= 200 && status < 300 ? export_verdict::taken : export_verdict::refused;
  }
}

/// The connection to the collector, reused for all batches.
struct span_exporter::transfer {
  explicit transfer(const span_exporter& of) : exporter{of}, handle{curl_easy_init()} {
    head = curl_slist_append(head, "Content-Type: application/x-protobuf");
    head = curl_slist_append(head, "Expect:");
  }

  ~transfer() {
    curl_slist_free_all(head);
    curl_easy_cleanup(handle);
  }

  transfer(const transfer&) = delete;
  transfer& operator=(const transfer&) = delete;

  /// Stores the answer up to the limit, and discards the rest.
  static std::size_t take(char* bytes, std::size_t size, std::size_t count, void* self) {
    std::string& answer = static_cast<transfer*>(self)->answer;
    answer.append(bytes, std::min(size * count, answer_bytes_max + 1 - answer.size()));
    return size * count;
  }

  /// Aborts the request once the time allowed for stopping has passed.
  static int look_up(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    const span_exporter& of = static_cast<transfer*>(self)->exporter;
    return of.is_stopped_ && of.time_.now().time_since_epoch().count() >= of.stop_at_ ? 1 : 0;
  }

  /// @return the HTTP status; 0 without an answer.
  long send(const std::string& body) {
    why[0] = '\0';
    answer.clear();
    curl_easy_setopt(handle, CURLOPT_URL, exporter.options_.address.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    // Do not wait for a thread whose name lookup is stuck: that would delay a stop by half a
    // minute.
    curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, head);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(
        handle, CURLOPT_TIMEOUT_MS, static_cast<long>(exporter.options_.patience.count()));
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &take);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, why.data());
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &look_up);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, this);
    const CURLcode ended = curl_easy_perform(handle);
    long status = 0;
    curl_off_t retry_after = 0;
    if (ended == CURLE_OK) {
      curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
      curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &retry_after);
    }
    wait = std::min(milliseconds{std::min<curl_off_t>(retry_after, 3'600) * 1'000}, backoff_most);
    reason = ended == CURLE_OK ? fmt::format("it answered {}", status)
             : why[0] != '\0'  ? std::string{why.data()}
                               : std::string{curl_easy_strerror(ended)};
    return status;
  }

  /// The last answer, decoded; empty if it cannot be read.
  otlp_answer said() const {
    return answer.size() > answer_bytes_max ? otlp_answer{} : read_otlp_answer(answer);
  }

  const span_exporter& exporter;
  CURL* handle;
  curl_slist* head = nullptr;
  std::array<char, CURL_ERROR_SIZE> why{};
  /// The wait that the collector asked for, and the reason of the last failure.
  milliseconds wait{};
  std::string reason;
  std::string answer;
};

span_exporter::span_exporter(
    const span_rings& from, export_options options, const clock& time, event_log& log)
    : from_{from}, options_{std::move(options)}, time_{time}, log_{log} {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) {
    log_.write("traces.not_sent", {{"reason", curl_easy_strerror(ready)}});
    return;
  }
  thread_ = quiet_thread([this] { run(); });
}

span_exporter::~span_exporter() {
  {
    const std::lock_guard lock{mutex_};
    stop_at_ = (time_.now() + options_.stop_patience).time_since_epoch().count();
    is_stopped_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

/// @return false if the exporter is stopped.
bool span_exporter::pause(milliseconds how_long) {
  std::unique_lock lock{mutex_};
  return !changed_.wait_for(lock, how_long, [this] { return is_stopped_.load(); });
}

/// Takes unread spans from the rings, up to one batch.
void span_exporter::collect() {
  from_.for_each([this](const span_ring& ring) {
    std::uint64_t& up_to = read_up_to_[&ring];
    const std::uint64_t written = ring.written();
    if (batch_.size() >= batch_max || up_to == written) {
      return;
    }
    const std::size_t before = batch_.size();
    const std::uint64_t from = std::exchange(
        up_to, ring.read(up_to, [this](const span& each) { batch_.push_back(each); }));
    counts_.lost += up_to - from - (batch_.size() - before);
  });
}

void span_exporter::note(export_verdict how, const std::string& why) {
  const bool has_failed = how == export_verdict::again;
  if (has_failed == std::exchange(is_failing_, has_failed)) {
    return;
  }
  if (has_failed) {
    log_.write("traces.not_sent", {{"collector", options_.address}, {"reason", why}});
  } else if (how == export_verdict::taken) {
    log_.write("traces.sent_again", {{"collector", options_.address}});
  }
}

/// Counts the spans of a batch that the collector has processed. Of consecutive batches with
/// refused spans, only the first is logged.
void span_exporter::settle(std::size_t count, const otlp_answer& said) {
  const std::uint64_t refused = std::min<std::uint64_t>(said.rejected, count);
  counts_.lost += refused;
  counts_.sent += count - refused;
  const bool has_objected = refused != 0 || !said.why.empty();
  if (has_objected && !std::exchange(has_objected_, true)) {
    log_.write(
        "traces.refused",
        {{"collector", options_.address},
         {"spans", fmt::to_string(refused)},
         {"reason", said.why.empty() ? "it does not say why" : said.why}});
  }
  has_objected_ = has_objected;
}

void span_exporter::run() {
  transfer to{*this};
  std::uint64_t failures = 0;
  for (bool goes_on = true; goes_on || !batch_.empty();) {
    if (batch_.empty()) {
      goes_on = pause(options_.interval);
      collect();
      if (batch_.empty()) {
        continue;
      }
    }
    const std::size_t count = std::min(batch_.size(), batch_max);
    const auto how =
        verdict_on_export(to.send(otlp_request(options_.resource, {batch_.data(), count})));
    note(how, to.reason);
    if (how == export_verdict::again) {
      if (!goes_on || is_stopped_) {
        counts_.lost += batch_.size();
        return;
      }
      const milliseconds wait = backoff_after(++failures, backoff_first, backoff_most);
      goes_on = pause(std::max(to.wait, wait));
      continue;
    }
    failures = 0;
    settle(count, how == export_verdict::taken ? to.said() : otlp_answer{count, to.reason});
    batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(count));
    const bool is_overdue = is_stopped_ && time_.now().time_since_epoch().count() >= stop_at_;
    if (batch_.empty() && !is_overdue) {
      collect(); // There may be more than one batch.
    }
  }
}

} // namespace troupe::observe

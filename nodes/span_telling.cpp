#include "nodes/span_telling.hpp"

#include "runtime/observe/told_spans.hpp"
#include "runtime/quiet_thread.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

using namespace std::chrono_literals;

constexpr milliseconds telling_interval = 1s;
constexpr milliseconds telling_patience = 2s;
constexpr milliseconds last_patience = 200ms;

} // namespace

span_telling::span_telling(
    const observe::span_rings& spans, std::string gateway, client::options how)
    : spans_{spans}, gateway_{std::move(gateway)}, how_{std::move(how)}, thread_{quiet_thread(
                                                                             [this] { work(); })} {
}

span_telling::~span_telling() {
  {
    const std::lock_guard lock{mutex_};
    is_over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void span_telling::work() {
  std::unique_lock lock{mutex_};
  while (!changed_.wait_for(lock, telling_interval, [this] { return is_over_; })) {
    lock.unlock();
    tell(telling_patience);
    lock.lock();
  }
  tell(last_patience);
}

void span_telling::tell(milliseconds patience) {
  wire::told_spans fresh;
  fresh.node = gateway_;
  std::uint64_t lost = 0;
  spans_.for_each([&](const observe::span_ring& ring) {
    std::uint64_t& up_to = told_up_to_[&ring];
    const std::size_t before = fresh.spans.size();
    const std::uint64_t from =
        std::exchange(up_to, ring.read(up_to, [&](const observe::span& each) {
          fresh.spans.push_back(observe::told(each));
        }));
    lost += up_to - from - (fresh.spans.size() - before);
  });
  has_gap_ = has_gap_ || lost != 0;
  untold_ += lost;
  if (fresh.spans.empty()) {
    return;
  }
  if (!calls_) {
    auto opened = client::client::open(how_);
    if (!opened) {
      return give_up(fresh.spans.size());
    }
    calls_ = std::move(*opened);
  }
  const auto is_newer = [](const auto& one, const auto& other) { return one.start > other.start; };
  std::ranges::sort(fresh.spans, is_newer);
  if (fresh.spans.size() > observe::kept_spans::most_at_once) {
    give_up(fresh.spans.size() - observe::kept_spans::most_at_once);
    fresh.spans.resize(observe::kept_spans::most_at_once);
  }
  fresh.is_cut = has_gap_;
  const std::string body = wire::encoded(fresh);
  const auto kept = calls_->call(
      {.capability = "troupe.broker",
       .operation = "keep_spans",
       .body = body,
       .deadline = patience,
       .retry = false});
  if (kept) {
    has_gap_ = false;
  } else {
    give_up(fresh.spans.size());
  }
}

void span_telling::give_up(std::size_t spans) {
  untold_ += spans;
  has_gap_ = true;
}

} // namespace troupe

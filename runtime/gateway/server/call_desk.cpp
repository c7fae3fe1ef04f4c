#include "runtime/gateway/server/call_desk.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe::gateway {

namespace {

// Tokens of questions are odd.
std::uint64_t token_of(std::size_t place, bool is_question) {
  return 2 * std::uint64_t{place} + (is_question ? 1 : 0);
}

std::size_t place_of(std::uint64_t token) {
  return static_cast<std::size_t>(token / 2);
}

bool is_call(const client::completion& ended) {
  return ended.token % 2 == 0;
}

} // namespace

outcome<std::unique_ptr<call_desk>> call_desk::open(client::options settings, poster to_loop) {
  auto made = std::make_unique<call_desk>(std::move(to_loop));
  settings.news = [self = made.get()] { self->to_loop_([self] { self->take_answers(); }); };
  TROUPE_TRY(made->client_, client::client::open(settings));
  return made;
}

call_desk::~call_desk() {
  close(milliseconds{0});
}

void call_desk::close(milliseconds patience) {
  if (!client_) {
    return;
  }
  client_->flush();
  const instant until = std::chrono::steady_clock::now() + patience;
  std::vector<client::completion> done;
  for (auto left = patience; left > milliseconds{0} && awaited_ > 0;
       left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now())) {
    client_->completions(done, left);
    awaited_ -= static_cast<std::size_t>(std::ranges::count_if(done, is_call));
  }
  client_->close(milliseconds{0});
}

outcome<uuid> call_desk::call(client::call_request request, listener ended) {
  auto added = add(request, false, std::move(ended));
  awaited_ += added ? 1 : 0;
  return added;
}

outcome<uuid> call_desk::ask(client::call_request request, listener ended) {
  return add(request, true, std::move(ended));
}

outcome<uuid> call_desk::add(client::call_request request, bool is_question, listener ended) {
  const std::size_t place = free_.empty() ? listeners_.size() : free_.back();
  request.token = token_of(place, is_question);
  auto added = client_->add(request);
  if (!added) {
    return added;
  }
  // Completions are delivered on this thread, so none can arrive before the listener is stored.
  if (free_.empty()) {
    listeners_.push_back(std::move(ended));
  } else {
    free_.pop_back();
    listeners_[place] = std::move(ended);
  }
  has_more_ = true;
  if (passes_ == 0) {
    leave();
  }
  return added;
}

void call_desk::leave() {
  if (std::exchange(has_more_, false) && passes_ < passes_max) {
    ++passes_;
    to_loop_([this] { leave(); });
    return;
  }
  passes_ = 0;
  client_->flush();
}

void call_desk::take_answers() {
  client_->completions(done_, milliseconds{0});
  for (const client::completion& each : done_) {
    awaited_ -= is_call(each) ? 1 : 0;
    const std::size_t place = place_of(each.token);
    const listener told = std::exchange(listeners_[place], {});
    free_.push_back(place);
    told(each);
  }
  done_.clear();
}

} // namespace troupe::gateway

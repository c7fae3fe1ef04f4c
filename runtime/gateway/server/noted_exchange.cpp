#include "runtime/gateway/server/noted_exchange.hpp"

#include <algorithm>
#include <utility>

namespace troupe::gateway {

noted_exchange::noted_exchange(
    http::responder to, http::field_list more, std::shared_ptr<answer_counts> counts)
    : to_{std::move(to)}, more_{std::move(more)}, counts_{std::move(counts)} {
}

bool noted_exchange::respond(http::response answer) {
  note(answer);
  return to_.respond(std::move(answer));
}

http::stream noted_exchange::open_stream(http::response head, http::stream_listener listener) {
  note(head);
  return to_.open_stream(std::move(head), std::move(listener));
}

void noted_exchange::note(http::response& answer) {
  answer.fields.insert(answer.fields.end(), more_.begin(), more_.end());
  const auto which = static_cast<std::size_t>(std::clamp(answer.status / 100, 2, 5) - 2);
  counts_->by_class[which].fetch_add(1, std::memory_order_relaxed);
}

} // namespace troupe::gateway

#include "runtime/gateway/server/noted_exchange.hpp"

#include "runtime/http/field_name.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::gateway {

namespace {

/// The challenge of a 401: how a client identifies itself.
/// @source RFC 9110, 11.6.1 and 15.5.2.
constexpr std::string_view challenge = R"(Service-Token realm="services", field="x-service-token")";

} // namespace

void answer_counts::begun() {
  const std::lock_guard lock{mutex_};
  ++counts_.in_flight;
}

void answer_counts::answered(int status, std::chrono::nanoseconds took) {
  const std::lock_guard lock{mutex_};
  ++counts_.by_class.at(static_cast<std::size_t>(std::clamp(status / 100, 2, 5) - 2));
  counts_.took.record(took);
}

void answer_counts::ended() {
  const std::lock_guard lock{mutex_};
  --counts_.in_flight;
}

answer_counts::reading answer_counts::read() const {
  const std::lock_guard lock{mutex_};
  return counts_;
}

noted_exchange::noted_exchange(
    http::responder to,
    http::field_list more,
    std::shared_ptr<answer_counts> counts,
    const clock& time)
    : to_{std::move(to)}, more_{std::move(more)}, counts_{std::move(counts)}, time_{time},
      began_{time.now()} {
  counts_->begun();
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
  const auto is_challenge = [](const auto& field) {
    return http::is_same_name(field.first, "www-authenticate");
  };
  if (answer.status == 401 && std::ranges::none_of(answer.fields, is_challenge)) {
    answer.fields.emplace_back("WWW-Authenticate", challenge);
  }
  if (!more_.empty()) {
    // The gateway decides which sites may read answers; fields of a legacy system are removed.
    std::erase_if(answer.fields, [](const auto& field) {
      return http::is_same_name(field.first, "access-control-allow-origin")
             || http::is_same_name(field.first, "access-control-allow-credentials")
             || http::is_same_name(field.first, "access-control-expose-headers");
    });
  }
  answer.fields.insert(answer.fields.end(), more_.begin(), more_.end());
  counts_->answered(answer.status, time_.now() - began_);
}

} // namespace troupe::gateway

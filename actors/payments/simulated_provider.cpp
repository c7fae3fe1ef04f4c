#include "actors/payments/simulated_provider.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace troupe::payments {

namespace {

error unreachable(const std::string& what, effect possible) {
  return {
      .code = errc::unavailable,
      .possible = possible,
      .message = "The simulated provider " + what + "; ask again under the same key."};
}

std::string why(int code) {
  return std::generic_category().message(code);
}

} // namespace

simulated_provider::simulated_provider(simulated_options options, const std::string& folder)
    : options_{std::move(options)} {
  if (!options_.log.empty()) {
    log_path_ = (std::filesystem::path{folder} / options_.log).string();
  }
}

simulated_provider::~simulated_provider() {
  if (log_ >= 0) {
    ::close(log_);
  }
}

outcome<charge_result> simulated_provider::charge(const transfer& from) {
  const bool declined = options_.decline_over > 0 && from.amount_cents > options_.decline_over;
  if (!declined) {
    TROUPE_CHECK(carry_out("capture", from));
  }
  TROUPE_CHECK(answer());
  if (declined) {
    return charge_result{
        false, "more than " + std::to_string(options_.decline_over) + " cents at once"};
  }
  return charge_result{true, "sim-" + to_string(from.key)};
}

outcome<void> simulated_provider::refund(const transfer& to) {
  return carry_out("refund", to).and_then([this] { return answer(); });
}

outcome<void> simulated_provider::open_log() {
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::path{log_path_}.parent_path(), failed);
  log_ = ::open(log_path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (log_ < 0) {
    return failure{unreachable("cannot open " + log_path_ + ": " + why(errno), effect::none)};
  }
  return {};
}

outcome<void> simulated_provider::carry_out(std::string_view kind, const transfer& what) {
  if (log_path_.empty()) {
    return {};
  }
  if (log_ < 0) {
    TROUPE_CHECK(open_log());
  }
  const std::string line = to_string(what.key) + ' ' + std::string{kind} + ' '
                           + to_string(what.order_id) + ' ' + std::to_string(what.amount_cents)
                           + '\n';
  const auto written = ::write(log_, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size())) {
    const std::string reason = written < 0 ? why(errno) : "no room";
    return failure{unreachable("cannot write " + log_path_ + ": " + reason, effect::unknown)};
  }
  return {};
}

outcome<void> simulated_provider::answer() {
  if (options_.latency > std::chrono::milliseconds{0}) {
    std::this_thread::sleep_for(options_.latency);
  }
  ++operations_;
  if (options_.fail_every > 0 && operations_ % options_.fail_every == 0) {
    return failure{unreachable("did not answer", effect::unknown)};
  }
  return {};
}

std::unique_ptr<provider>
make_provider(const provider_options& options, const std::string& folder) {
  return std::make_unique<simulated_provider>(options.simulated, folder);
}

} // namespace troupe::payments

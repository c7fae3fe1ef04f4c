#include "examples/shop/order_log.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <iterator>
#include <system_error>

namespace troupe::shop {

outcome<order_log> order_log::open(const std::string& path) {
  order_log made;
  if (path.empty()) {
    return made;
  }
  made.file_.reset(std::fopen(path.c_str(), "we"));
  if (made.file_ == nullptr) {
    return failure{error{
        .code = errc::unavailable,
        .message = path + ": " + std::generic_category().message(errno)}};
  }
  return made;
}

void order_log::begin(const uuid& id, std::string_view phase, instant now) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  fmt::format_to(
      std::back_inserter(noted_),
      R"({{"t_mono_us":{},"call_id":"{}","op":"order_saga.place","phase":"{}")",
      micros,
      to_string(id),
      phase);
}

void order_log::asked(const uuid& id, std::uint64_t line, instant now) {
  begin(id, "invoke", now);
  fmt::format_to(std::back_inserter(noted_), ",\"line\":{}}}\n", line);
}

void order_log::placed(const uuid& id, const uuid& order, std::int64_t total_cents, instant now) {
  begin(id, "return", now);
  fmt::format_to(
      std::back_inserter(noted_),
      ",\"outcome\":\"ok\",\"order_id\":\"{}\",\"total_cents\":{}}}\n",
      to_string(order),
      total_cents);
}

void order_log::failed(const uuid& id, const error& why, std::string_view reason, instant now) {
  begin(id, "return", now);
  const bool nothing_happened = why.possible == effect::none;
  fmt::format_to(
      std::back_inserter(noted_),
      ",\"outcome\":\"{}\",\"code\":\"{}\"",
      nothing_happened ? "fail" : "unknown",
      name_of(why.code));
  if (!reason.empty()) {
    // Reasons are words of our own capabilities, and need no escaping.
    fmt::format_to(std::back_inserter(noted_), ",\"reason\":\"{}\"", reason);
  }
  noted_ += "}\n";
}

bool order_log::flush() {
  bool good = true;
  if (file_ != nullptr) {
    good = std::fwrite(noted_.data(), 1, noted_.size(), file_.get()) == noted_.size()
           && std::fflush(file_.get()) == 0;
  }
  noted_.clear();
  return good;
}

} // namespace troupe::shop

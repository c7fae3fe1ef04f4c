#include "runtime/strangler/feature.hpp"

#include <fmt/format.h>

namespace troupe::strangler {

std::optional<std::uint32_t> feature::share() const {
  const auto values = flags_.values();
  if (values == nullptr) {
    return std::nullopt;
  }
  const auto found = values->find(options_.name);
  return found == values->end() ? options_.share : found->second;
}

tl::expected<side, http::problem>
feature::side_of(const http::request& asked, const request_key::variables& path) const {
  if (const auto word = asked.field(options_.override_field)) {
    const auto chosen = side_named(*word);
    if (!chosen) {
      return tl::unexpected{http::problem{
          400,
          "bad_override",
          fmt::format("the field {} takes legacy or modern", options_.override_field)}};
    }
    return *chosen;
  }
  const auto now = share();
  if (!now) {
    http::problem unknown{
        503,
        "flags_unknown",
        "who answers this is not known yet: the broker that keeps the flags has not answered"};
    unknown.numbers.emplace_back("retry_after_ms", 1'000);
    return tl::unexpected{std::move(unknown)};
  }
  return choose(*now, options_.name, options_.by.value_in(asked, path));
}

bool feature::begins_comparison(http::method method) {
  if (!options_.compare || !is_safe(method)) {
    return false;
  }
  sampled_ += options_.compare->sample;
  if (sampled_ < 1) {
    return false;
  }
  sampled_ -= 1;
  if (comparing_ >= options_.compare->in_flight) {
    ++counts_.not_compared;
    return false;
  }
  ++comparing_;
  return true;
}

} // namespace troupe::strangler

#include "runtime/supervision/group_spec.hpp"

#include <fmt/core.h>
#include <set>
#include <string_view>

namespace troupe::supervision {

namespace {

using namespace std::chrono_literals;

constexpr milliseconds longest = 24h;
constexpr milliseconds longest_shutdown = 1h;

/// Gathers what is wrong, so that it is all said at once.
class complaints {
public:
  void require(bool holds, std::string_view otherwise) {
    if (!holds) {
      text_ += fmt::format("{}{}", text_.empty() ? "" : "; ", otherwise);
    }
  }

  void
  range(std::string_view name, milliseconds value, milliseconds smallest, milliseconds largest) {
    require(
        value >= smallest && value <= largest,
        fmt::format(
            "{} must be {} ms to {} ms, not {} ms",
            name,
            smallest.count(),
            largest.count(),
            value.count()));
  }

  void merge(const outcome<void>& checked) {
    if (!checked) {
      require(false, checked.error().message);
    }
  }

  outcome<void> result() const {
    if (text_.empty()) {
      return {};
    }
    return failure{invalid(text_)};
  }

private:
  std::string text_;
};

} // namespace

outcome<void> check(const options& policy) {
  complaints wrong;
  wrong.require(
      policy.max_restarts >= 0 && policy.max_restarts <= 1'000,
      fmt::format("max_restarts must be 0 to 1000, not {}", policy.max_restarts));
  wrong.range("within", policy.within, 1ms, longest);
  wrong.range("backoff_min", policy.backoff_min, 0ms, longest);
  wrong.range("backoff_max", policy.backoff_max, 0ms, longest);
  wrong.require(
      policy.backoff_min <= policy.backoff_max, "backoff_min must not be above backoff_max");
  wrong.range("shutdown", policy.shutdown, 0ms, longest_shutdown);
  wrong.range("cool_down", policy.cool_down, 1ms, longest);
  wrong.range("start", policy.start, 1ms, longest);
  return wrong.result();
}

outcome<void> check(const child_spec& child) {
  complaints wrong;
  wrong.require(!child.name.empty(), "a child must have a name");
  if (child.shutdown) {
    wrong.range(
        fmt::format("shutdown of child {}", child.name), *child.shutdown, 0ms, longest_shutdown);
  }
  return wrong.result();
}

outcome<void> check(const group_spec& spec) {
  complaints wrong;
  wrong.merge(check(spec.policy));
  std::set<child_id> seen;
  for (const auto& child : spec.children) {
    wrong.merge(check(child));
    wrong.require(
        seen.insert(child.id).second,
        fmt::format(
            "child id {} is used twice ({})", static_cast<std::uint32_t>(child.id), child.name));
  }
  return wrong.result();
}

} // namespace troupe::supervision

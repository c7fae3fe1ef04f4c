#include "runtime/security/strict_object.hpp"

#include <set>
#include <string>
#include <vector>

namespace troupe::security {

namespace {

constexpr int depth_max = 8;

} // namespace

std::optional<nlohmann::json> parse_strict_object(std::string_view text) {
  using json = nlohmann::json;
  std::vector<std::set<std::string>> keys; // The keys of each open object.
  bool is_good = true;
  const auto look = [&](int depth, json::parse_event_t what, json& parsed) {
    is_good = is_good && depth <= depth_max;
    if (what == json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (what == json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (what == json::parse_event_t::key) {
      is_good = keys.back().insert(parsed.get<std::string>()).second && is_good;
    }
    return is_good;
  };
  const json read = json::parse(text.begin(), text.end(), look, false);
  return is_good && read.is_object() ? std::optional{read} : std::nullopt;
}

} // namespace troupe::security

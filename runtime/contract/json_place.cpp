#include "runtime/contract/json_place.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::contract {

json_place json_place::child(step next) const {
  json_place made{*this};
  made.steps_.push_back(std::move(next));
  return made;
}

std::string json_place::text() const {
  std::string made = "$";
  for (const step& each : steps_) {
    if (const auto* const key = std::get_if<std::string>(&each)) {
      made += key_in_path(*key);
    } else {
      made += fmt::format("[{}]", std::get<std::size_t>(each));
    }
  }
  return made;
}

std::string key_in_path(std::string_view key) {
  const bool is_plain = !key.empty() && std::ranges::all_of(key, [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')
           || (letter >= '0' && letter <= '9') || letter == '_' || letter == '-';
  });
  return is_plain ? fmt::format(".{}", key) : fmt::format("['{}']", key);
}

} // namespace troupe::contract

#include "runtime/http/request.hpp"

#include <algorithm>
#include <array>

namespace troupe::http {

namespace {

constexpr std::array<std::string_view, 7> method_names{
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

} // namespace

std::string_view name_of(method which) {
  return method_names[static_cast<std::size_t>(which)];
}

std::optional<method> method_named(std::string_view name) {
  for (std::size_t i = 0; i < method_names.size(); ++i) {
    if (method_names[i] == name) {
      return static_cast<method>(i);
    }
  }
  return std::nullopt;
}

bool request::repeats(std::string_view name) const {
  return std::ranges::count_if(fields, [&](const auto& field) { return field.first == name; }) > 1;
}

} // namespace troupe::http

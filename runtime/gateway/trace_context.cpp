#include "runtime/gateway/trace_context.hpp"

#include <algorithm>

namespace troupe::gateway {

namespace {

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

bool is_id(std::string_view text) {
  return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

} // namespace

std::string trace_parent(std::string_view value) {
  // VERSION-TRACE-SPAN-FLAGS. A later version may have more behind a further dash.
  constexpr std::size_t known_size = 55;
  const bool good =
      value.size() >= known_size && is_hex(value.substr(0, 2)) && value.substr(0, 2) != "ff"
      && value[2] == '-' && is_id(value.substr(3, 32)) && value[35] == '-'
      && is_id(value.substr(36, 16)) && value[52] == '-' && is_hex(value.substr(53, 2))
      && (value.size() == known_size || (value.substr(0, 2) != "00" && value[known_size] == '-'));
  return good ? std::string{value.substr(0, known_size)} : std::string{};
}

} // namespace troupe::gateway

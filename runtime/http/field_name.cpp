#include "runtime/http/field_name.hpp"

#include <algorithm>

namespace troupe::http {

bool is_same_name(std::string_view one, std::string_view other) {
  const auto lower = [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  };
  return std::ranges::equal(one, other, [&](char a, char b) { return lower(a) == lower(b); });
}

} // namespace troupe::http

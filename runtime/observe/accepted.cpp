#include "runtime/observe/accepted.hpp"

#include <algorithm>

namespace troupe::observe {

namespace {

constexpr int weight_most = 1'000;

/// Removes the text before the next `mark` from `rest`, and returns it without surrounding spaces.
std::string_view take(std::string_view& rest, char mark) {
  const std::size_t end = std::min(rest.find(mark), rest.size());
  std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  const std::size_t first = part.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  part.remove_prefix(first);
  return part.substr(0, part.find_last_not_of(" \t") + 1);
}

bool is_same(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, [](char a, char b) {
    const auto lower = [](char letter) {
      return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    };
    return lower(a) == lower(b);
  });
}

/// "0.25" in thousandths.
int read_weight(std::string_view text) {
  const bool is_weight = !text.empty() && text.size() <= 5 && (text[0] == '0' || text[0] == '1')
                         && (text.size() == 1 || text[1] == '.');
  if (!is_weight) {
    return weight_most;
  }
  int weight = text[0] == '1' ? weight_most : 0;
  int unit = weight_most / 10;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (digit < '0' || digit > '9') {
      return weight_most;
    }
    weight += (digit - '0') * unit;
    unit /= 10;
  }
  return std::min(weight, weight_most);
}

} // namespace

int weight_of(std::string_view accept, std::string_view type) {
  int most = 0;
  while (!accept.empty()) {
    std::string_view member = take(accept, ',');
    if (!is_same(take(member, ';'), type)) {
      continue;
    }
    int weight = weight_most;
    while (!member.empty()) {
      std::string_view value = take(member, ';');
      if (is_same(take(value, '='), "q")) {
        weight = read_weight(value);
      }
    }
    most = std::max(most, weight);
  }
  return most;
}

} // namespace troupe::observe

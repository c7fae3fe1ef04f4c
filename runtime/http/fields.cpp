#include "runtime/http/fields.hpp"

#include <algorithm>

namespace troupe::http {

std::optional<std::string_view> find(const field_list& fields, std::string_view name) {
  const auto found =
      std::ranges::find_if(fields, [name](const auto& each) { return each.first == name; });
  return found == fields.end() ? std::nullopt : std::optional<std::string_view>{found->second};
}

std::string listed(const field_list& fields, std::string_view name) {
  std::string list;
  for (const auto& [each, value] : fields) {
    if (each == name) {
      list += list.empty() ? "" : ", ";
      list += value;
    }
  }
  return list;
}

bool is_token_letter(char letter) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')
         || (letter >= '0' && letter <= '9')
         || (letter != '\0' && marks.find(letter) != std::string_view::npos);
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_letter);
}

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char each) {
    const auto letter = static_cast<unsigned char>(each);
    return letter == '\t' || (letter >= 0x20 && letter != 0x7f);
  });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t";
  const std::size_t first = text.find_first_not_of(space);
  return first == std::string_view::npos
             ? std::string_view{}
             : text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::string lower_case(std::string_view text) {
  std::string lower{text};
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') {
      letter = static_cast<char>(letter - 'A' + 'a');
    }
  }
  return lower;
}

std::vector<std::string> list_members(std::string_view value) {
  std::vector<std::string> members;
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    if (const auto member = trimmed(value.substr(0, comma)); !member.empty()) {
      members.push_back(lower_case(member));
    }
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return members;
}

} // namespace troupe::http

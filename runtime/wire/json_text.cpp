#include "runtime/wire/json_text.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace troupe::wire {

namespace {

/// Whether a character needs no escape. Looked up in a table, since nearly all characters take this
/// path.
bool is_plain(char letter) {
  static constexpr auto plain = [] {
    std::array<bool, 256> letters{};
    for (std::size_t c = ' '; c <= '~'; ++c) {
      letters[c] = c != '"' && c != '\\';
    }
    return letters;
  }();
  return plain[static_cast<unsigned char>(letter)];
}

} // namespace

void append_json_text(std::string& to, std::string_view text) {
  if (!std::ranges::all_of(text, is_plain)) {
    to += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return;
  }
  to += '"';
  to += text;
  to += '"';
}

} // namespace troupe::wire

#include "runtime/http/problem.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace troupe::http {

namespace {

bool has_number(const problem& what, std::string_view name) {
  return std::ranges::any_of(what.numbers, [&](const auto& each) { return each.first == name; });
}

} // namespace

std::string to_json(const problem& what) {
  nlohmann::ordered_json object = {
      {"type", "about:blank"},
      {"title", phrase_of(what.status)},
      {"status", what.status},
      {"detail", what.detail},
      {"code", what.code}};
  // emplace() leaves what is there. Texts are an application's own: none takes the place of a
  // number.
  for (const auto& [name, text] : what.texts) {
    if (!has_number(what, name)) {
      object.emplace(name, text);
    }
  }
  for (const auto& [name, number] : what.numbers) {
    object.emplace(name, number);
  }
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

namespace {

constexpr auto phrases = std::to_array<std::pair<int, std::string_view>>(
    {{100, "Continue"},
     {200, "OK"},
     {201, "Created"},
     {202, "Accepted"},
     {204, "No Content"},
     {301, "Moved Permanently"},
     {302, "Found"},
     {303, "See Other"},
     {304, "Not Modified"},
     {307, "Temporary Redirect"},
     {308, "Permanent Redirect"},
     {400, "Bad Request"},
     {401, "Unauthorized"},
     {403, "Forbidden"},
     {404, "Not Found"},
     {405, "Method Not Allowed"},
     {406, "Not Acceptable"},
     {408, "Request Timeout"},
     {409, "Conflict"},
     {410, "Gone"},
     {411, "Length Required"},
     {412, "Precondition Failed"},
     {413, "Content Too Large"},
     {414, "URI Too Long"},
     {415, "Unsupported Media Type"},
     {417, "Expectation Failed"},
     {421, "Misdirected Request"},
     {422, "Unprocessable Content"},
     {429, "Too Many Requests"},
     {431, "Request Header Fields Too Large"},
     {500, "Internal Server Error"},
     {501, "Not Implemented"},
     {502, "Bad Gateway"},
     {503, "Service Unavailable"},
     {504, "Gateway Timeout"},
     {505, "HTTP Version Not Supported"}});

} // namespace

std::string_view phrase_of(int status) {
  const auto* const found =
      std::ranges::find(phrases, status, [](const auto& each) { return each.first; });
  return found == phrases.end() ? "Unknown" : found->second;
}

} // namespace troupe::http

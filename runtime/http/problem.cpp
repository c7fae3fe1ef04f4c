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
  // emplace() keeps existing members. Texts come from the application; none may replace a number.
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
     {203, "Non-Authoritative Information"},
     {204, "No Content"},
     {205, "Reset Content"},
     {206, "Partial Content"},
     {207, "Multi-Status"},
     {208, "Already Reported"},
     {226, "IM Used"},
     {300, "Multiple Choices"},
     {301, "Moved Permanently"},
     {302, "Found"},
     {303, "See Other"},
     {304, "Not Modified"},
     {307, "Temporary Redirect"},
     {308, "Permanent Redirect"},
     {400, "Bad Request"},
     {401, "Unauthorized"},
     {402, "Payment Required"},
     {403, "Forbidden"},
     {404, "Not Found"},
     {405, "Method Not Allowed"},
     {406, "Not Acceptable"},
     {407, "Proxy Authentication Required"},
     {408, "Request Timeout"},
     {409, "Conflict"},
     {410, "Gone"},
     {411, "Length Required"},
     {412, "Precondition Failed"},
     {413, "Content Too Large"},
     {414, "URI Too Long"},
     {415, "Unsupported Media Type"},
     {416, "Range Not Satisfiable"},
     {417, "Expectation Failed"},
     {421, "Misdirected Request"},
     {422, "Unprocessable Content"},
     {423, "Locked"},
     {424, "Failed Dependency"},
     {425, "Too Early"},
     {426, "Upgrade Required"},
     {428, "Precondition Required"},
     {429, "Too Many Requests"},
     {431, "Request Header Fields Too Large"},
     {451, "Unavailable For Legal Reasons"},
     {500, "Internal Server Error"},
     {501, "Not Implemented"},
     {502, "Bad Gateway"},
     {503, "Service Unavailable"},
     {504, "Gateway Timeout"},
     {505, "HTTP Version Not Supported"},
     {506, "Variant Also Negotiates"},
     {507, "Insufficient Storage"},
     {508, "Loop Detected"},
     {510, "Not Extended"},
     {511, "Network Authentication Required"}});

} // namespace

std::string_view phrase_of(int status) {
  const auto* const found =
      std::ranges::find(phrases, status, [](const auto& each) { return each.first; });
  return found == phrases.end() ? "Unknown" : found->second;
}

} // namespace troupe::http

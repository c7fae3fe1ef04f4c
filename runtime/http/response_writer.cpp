#include "runtime/http/response_writer.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <fmt/format.h>

namespace troupe::http {

namespace {

/// "Sun, 06 Nov 1994 08:49:37 GMT", whatever the locale. @source RFC 9110, 5.6.7.
std::string http_date(wall_time now) {
  constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> months{
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm time{};
  ::gmtime_r(&seconds, &time);
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
      days[static_cast<std::size_t>(time.tm_wday)],
      time.tm_mday,
      months[static_cast<std::size_t>(time.tm_mon)],
      time.tm_year + 1900,
      time.tm_hour,
      time.tm_min,
      time.tm_sec);
}

bool may_be_sent(const response& answer) {
  constexpr std::array<std::string_view, 4> ours{
      "date", "content-length", "transfer-encoding", "connection"};
  return answer.status >= 200 && answer.status <= 599
         && std::all_of(answer.fields.begin(), answer.fields.end(), [&](const auto& field) {
              return is_token(field.first) && is_field_value(field.second)
                     && std::find(ours.begin(), ours.end(), lower_case(field.first)) == ours.end();
            });
}

/// 204 and 304 have no body, and no length of one. @source RFC 9110, 8.6.
bool has_content(int status) {
  return status != 204 && status != 304;
}

} // namespace

std::string written_answer(const response& answer, const answer_frame& how, wall_time now) {
  if (!may_be_sent(answer)) {
    answer_frame whole = how;
    whole.framing = body_framing::length;
    return written_answer(
        to_response({500, "malformed_answer", "the answer to this request cannot be sent"}),
        whole,
        now);
  }
  std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\nDate: {}\r\n", answer.status, phrase_of(answer.status), http_date(now));
  for (const auto& [name, value] : answer.fields) {
    fmt::format_to(std::back_inserter(text), "{}: {}\r\n", name, value);
  }
  const bool is_whole = how.framing == body_framing::length;
  if (is_whole && has_content(answer.status)) {
    fmt::format_to(std::back_inserter(text), "Content-Length: {}\r\n", answer.body.size());
  } else if (how.framing == body_framing::chunked) {
    text += "Transfer-Encoding: chunked\r\n";
  }
  if (!how.keeps_alive) {
    text += "Connection: close\r\n";
  } else if (how.is_http_1_0) {
    text += "Connection: keep-alive\r\n";
  }
  text += "\r\n";
  if (is_whole && has_content(answer.status) && !how.omits_body) {
    text += answer.body;
  }
  return text;
}

std::string chunk_of(std::string_view part) {
  return fmt::format("{:x}\r\n{}\r\n", part.size(), part);
}

} // namespace troupe::http

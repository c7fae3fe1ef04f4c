#include "runtime/http/response_writer.hpp"

#include "runtime/http/field_name.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <fmt/format.h>

namespace troupe::http {

namespace {

/// Appends `number` with exactly `digits` digits.
void append_digits(std::string& to, unsigned number, int digits) {
  unsigned unit = 1;
  for (int i = 1; i < digits; ++i) {
    unit *= 10;
  }
  for (; unit > 0; unit /= 10) {
    to += static_cast<char>('0' + number / unit % 10);
  }
}

/// Appends a date like "Sun, 06 Nov 1994 08:49:37 GMT", whatever the locale. Every answer has one,
/// so it is written without a format string.
/// @source RFC 9110, 5.6.7.
void append_date(std::string& to, wall_time now) {
  constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> months{
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(now - day)};
  to += days[std::chrono::weekday{day}.c_encoding()];
  to += ", ";
  append_digits(to, static_cast<unsigned>(date.day()), 2);
  to += ' ';
  to += months[static_cast<unsigned>(date.month()) - 1];
  to += ' ';
  append_digits(to, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  to += ' ';
  append_digits(to, static_cast<unsigned>(time.hours().count()), 2);
  to += ':';
  append_digits(to, static_cast<unsigned>(time.minutes().count()), 2);
  to += ':';
  append_digits(to, static_cast<unsigned>(time.seconds().count()), 2);
  to += " GMT";
}

constexpr std::size_t head_bytes_usual = 512;

bool may_be_sent(const response& answer) {
  constexpr std::array<std::string_view, 4> ours{
      "date", "content-length", "transfer-encoding", "connection"};
  return answer.status >= 200 && answer.status <= 599
         && std::ranges::all_of(answer.fields, [&](const auto& field) {
              return is_token(field.first) && is_field_value(field.second)
                     && std::ranges::none_of(ours, [&](std::string_view each) {
                          return is_same_name(each, field.first);
                        });
            });
}

/// 204 and 304 have no body and no Content-Length.
/// @source RFC 9110, 8.6.
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
  std::string text;
  text.reserve(head_bytes_usual + answer.body.size());
  text += "HTTP/1.1 ";
  append_digits(text, static_cast<unsigned>(answer.status), 3);
  text += ' ';
  text += phrase_of(answer.status);
  text += "\r\nDate: ";
  append_date(text, now);
  text += "\r\n";
  for (const auto& [name, value] : answer.fields) {
    text += name;
    text += ": ";
    text += value;
    text += "\r\n";
  }
  const bool is_whole = how.framing == body_framing::length;
  if (is_whole && has_content(answer.status)) {
    text += "Content-Length: ";
    text += std::to_string(answer.body.size());
    text += "\r\n";
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

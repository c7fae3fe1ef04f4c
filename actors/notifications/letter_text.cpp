#include "actors/notifications/letter_text.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <fmt/format.h>

namespace troupe::notifications {

namespace {

bool is_atext(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
         || std::string_view{"!#$%&'*+-/=?^_`{|}~"}.find(c) != std::string_view::npos;
}

/// Whether `text` consists of atext (RFC 5322) with single dots inside.
bool is_dotted(std::string_view text) {
  char before = '.';
  for (const char c : text) {
    if (c == '.' ? before == '.' : !is_atext(c)) {
      return false;
    }
    before = c;
  }
  return before != '.';
}

/// The date in the form of RFC 5322, 3.3, in UTC. strftime is not used, since its names depend on
/// the locale.
std::string date_text(std::int64_t millis) {
  constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array months{
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto seconds = static_cast<std::time_t>(millis / 1000);
  std::tm at{};
  ::gmtime_r(&seconds, &at);
  return fmt::format(
      "{}, {:02} {} {} {:02}:{:02}:{:02} +0000",
      days.at(static_cast<std::size_t>(at.tm_wday)),
      at.tm_mday,
      months.at(static_cast<std::size_t>(at.tm_mon)),
      1900 + at.tm_year,
      at.tm_hour,
      at.tm_min,
      at.tm_sec);
}

/// User-supplied text without control characters, which could start further header lines.
std::string harmless(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

} // namespace

bool is_address(std::string_view text) {
  const std::size_t at = text.find('@');
  constexpr std::size_t bytes_max = 254; // RFC 5321, 4.5.3.1.3, without the brackets.
  return at != std::string_view::npos && text.size() <= bytes_max && is_dotted(text.substr(0, at))
         && is_dotted(text.substr(at + 1));
}

std::optional<std::string> address_of(std::string_view customer, std::string_view domain) {
  std::string address{customer};
  if (customer.find('@') == std::string_view::npos) {
    address += '@';
    address += domain;
  }
  return is_address(address) ? std::optional{std::move(address)} : std::nullopt;
}

std::string message_id_of(const uuid& key, std::string_view from) {
  return fmt::format("<{}@{}>", to_string(key), from.substr(from.find('@') + 1));
}

std::string
letter_text(const send_confirmation& wish, std::string_view from, std::string_view message_id) {
  const std::string order = to_string(wish.order_id);
  std::string text = fmt::format(
      "From: <{}>\r\nTo: <{}>\r\nSubject: Your order {} is confirmed\r\nDate: {}\r\n"
      "Message-ID: {}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: 8bit\r\n\r\n"
      "Thank you. This is what you will get:\r\n\r\n",
      from,
      wish.recipient,
      order,
      date_text(wish.at),
      message_id);
  for (const orders::line& each : wish.items) {
    text += fmt::format("  {:>7} x {}\r\n", each.quantity, harmless(each.sku));
  }
  text += fmt::format(
      "\r\nWe have charged {}.{:02} {}.\r\n\r\nYour order: {}\r\n",
      wish.amount_cents / 100,
      wish.amount_cents % 100,
      wish.currency,
      order);
  return text;
}

} // namespace troupe::notifications

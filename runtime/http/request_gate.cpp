#include "runtime/http/request_gate.hpp"

#include "runtime/contains.hpp"
#include "runtime/http/target.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <utility>

namespace troupe::http {

namespace {

/// Empty if accepted, otherwise why the request is refused.
using verdict_on_head = std::optional<problem>;

problem malformed_head(std::string detail) {
  return {400, "malformed_head", std::move(detail)};
}

problem ambiguous_body(std::string detail) {
  return {400, "ambiguous_body", std::move(detail)};
}

/// Removes the first line from `rest` and returns it without CRLF.
std::string_view take_line(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find("\r\n"));
  rest.remove_prefix(std::min(line.size() + 2, rest.size()));
  return line;
}

/// A field that may occur once.
struct single_field {
  /// Value of its first occurrence; empty if there is none.
  std::string_view value{};
  std::size_t count = 0;
};

single_field single(const field_list& fields, std::string_view name) {
  single_field found;
  for (const auto& [each, value] : fields) {
    if (each == name && ++found.count == 1) {
      found.value = value;
    }
  }
  return found;
}

/// The values of all fields called `name`.
std::vector<std::string_view> values_of(const field_list& fields, std::string_view name) {
  std::vector<std::string_view> values;
  for (const auto& [each, value] : fields) {
    if (each == name) {
      values.emplace_back(value);
    }
  }
  return values;
}

verdict_on_head read_version(std::string_view version, request_head& head) {
  const auto is_digit = [](char letter) { return letter >= '0' && letter <= '9'; };
  if (version.size() != 8 || version.substr(0, 5) != "HTTP/" || !is_digit(version[5])
      || version[6] != '.' || !is_digit(version[7])) {
    return malformed_head("the request line is not `METHOD TARGET HTTP/1.1`");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return problem{505, "version_not_supported", "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  }
  head.is_http_1_0 = version == "HTTP/1.0";
  return std::nullopt;
}

/// Reads METHOD SP TARGET SP VERSION, and returns the authority of a target in absolute form.
verdict_on_head
read_request_line(std::string_view line, request_head& head, std::string& authority) {
  const std::size_t first = std::min(line.find(' '), line.size());
  const std::size_t last = line.rfind(' ');
  if (last == std::string_view::npos || first == last) {
    return malformed_head("the request line is not `METHOD TARGET HTTP/1.1`");
  }
  const std::string_view name = line.substr(0, first);
  if (!is_token(name)) {
    return malformed_head("the method is no token");
  }
  if (auto refused = read_version(line.substr(last + 1), head)) {
    return refused;
  }
  const auto method = method_named(name);
  if (!method) {
    return problem{501, "not_implemented", "this method is not implemented here"};
  }
  auto target = read_target(line.substr(first + 1, last - first - 1));
  if (!target) {
    return std::move(target.error());
  }
  head.method = *method;
  head.target = std::move(target->target);
  authority = std::move(target->authority);
  return std::nullopt;
}

verdict_on_head read_field(std::string_view line, field_list& fields) {
  if (line.front() == ' ' || line.front() == '\t') {
    return malformed_head("a field goes on in a second line");
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return malformed_head("a field is not `NAME: VALUE`");
  }
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_field_value(value)) {
    return malformed_head("a field has a control character");
  }
  fields.emplace_back(lower_case(line.substr(0, colon)), value);
  return std::nullopt;
}

/// Whether the text can follow the colon of a Host: nothing, or a 16-bit number.
/// @source RFC 3986, 3.2.3; RFC 9293, 3.1.
bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, wrong] = std::from_chars(text.data(), end, port);
  return text.empty() || (text.size() <= 5 && wrong == std::errc{} && stopped == end);
}

bool is_ipv6(std::string_view text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET6, std::string{text}.c_str(), bytes.data()) == 1;
}

/// "shop.example" from "shop.example:8443"; an IPv6 address keeps its brackets. Nothing if it is
/// not a host with an optional port.
/// @source RFC 9110, 7.2; RFC 3986, 3.2.2.
std::optional<std::string> host_of(std::string_view value) {
  const std::size_t bracket = value.rfind(']');
  const std::size_t colon = value.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view port =
      colon == std::string_view::npos ? std::string_view{} : value.substr(colon + 1);
  const std::string_view host = value.substr(0, colon);
  const std::string_view inside = host.size() > 2 && host.front() == '[' && host.back() == ']'
                                      ? host.substr(1, host.size() - 2)
                                      : host;
  const bool in_brackets = inside.size() != host.size();
  const auto is_host_letter = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')
           || (letter >= '0' && letter <= '9') || letter == '.' || letter == '-' || letter == '_';
  };
  const bool is_host = in_brackets ? is_ipv6(inside)
                                   : !inside.empty() && std::ranges::all_of(inside, is_host_letter);
  return is_host && is_port(port) ? std::optional{lower_case(host)} : std::nullopt;
}

/// An authority in the form used for comparison: "a" from "A:80", without the default port.
std::string comparable(std::string_view authority) {
  for (const std::string_view usual : {":80", ":443", ":"}) {
    if (authority.ends_with(usual)) {
      authority.remove_suffix(usual.size());
      break;
    }
  }
  return lower_case(authority);
}

verdict_on_head check_host(
    const request_head& head, const std::string& authority, const std::vector<std::string>& hosts) {
  const auto given = single(head.fields, "host");
  if (given.count > 1 || (given.count == 0 && !head.is_http_1_0)) {
    return problem{400, "malformed_host", "a request has exactly one Host"};
  }
  if (given.count == 0 && authority.empty()) {
    // Only HTTP/1.0 requests without a Host: probes of load balancers send them, browsers never do.
    return std::nullopt;
  }
  const std::string_view named = given.count == 0 ? std::string_view{authority} : given.value;
  const auto host = host_of(named);
  if (!host || (!authority.empty() && comparable(authority) != comparable(named))) {
    return problem{
        400, "malformed_host", "the Host is no HOST or HOST:PORT, or the target names another one"};
  }
  if (!hosts.empty() && !contains(hosts, *host)) {
    return problem{421, "misdirected", "this server is not the host that the request is for"};
  }
  return std::nullopt;
}

verdict_on_head
read_transfer_encoding(const single_field& codings, bool has_length, request_head& head) {
  if (head.is_http_1_0) {
    return ambiguous_body("HTTP/1.0 has no Transfer-Encoding");
  }
  if (has_length) {
    return ambiguous_body("a request has both Content-Length and Transfer-Encoding");
  }
  const auto members = list_members(codings.value);
  if (codings.count > 1 || members.empty() || members.back() != "chunked"
      || std::ranges::count(members, "chunked") > 1
      || (members.size() == 1 && lower_case(codings.value) != "chunked")) {
    return ambiguous_body("Transfer-Encoding is something else than `chunked`");
  }
  if (members.size() > 1) {
    return problem{501, "not_implemented", "the only transfer coding known here is `chunked`"};
  }
  head.is_chunked = true;
  return std::nullopt;
}

verdict_on_head
read_content_length(const single_field& lengths, const limits& most, request_head& head) {
  const std::string_view text = lengths.value;
  const bool is_number = !text.empty() && std::ranges::all_of(text, [](char letter) {
    return letter >= '0' && letter <= '9';
  });
  if (lengths.count > 1 || !is_number) {
    return ambiguous_body("Content-Length is not one number");
  }
  const auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), head.content_length);
  if (code != std::errc{} || head.content_length > most.body_bytes_max) {
    return problem{
        413, "body_too_large", "a body may have " + std::to_string(most.body_bytes_max) + " bytes"};
  }
  return std::nullopt;
}

verdict_on_head read_body_fields(const limits& most, request_head& head) {
  const auto codings = single(head.fields, "transfer-encoding");
  const auto lengths = single(head.fields, "content-length");
  verdict_on_head refused;
  if (codings.count > 0) {
    refused = read_transfer_encoding(codings, lengths.count > 0, head);
  } else if (lengths.count > 0) {
    refused = read_content_length(lengths, most, head);
  }
  if (refused) {
    return refused;
  }
  for (const std::string_view coding : values_of(head.fields, "content-encoding")) {
    if (lower_case(coding) != "identity") {
      return problem{415, "coding_not_supported", "send the content without a content coding"};
    }
  }
  return std::nullopt;
}

verdict_on_head read_connection(request_head& head) {
  bool closes = false;
  bool keeps = false;
  for (const std::string_view value : values_of(head.fields, "connection")) {
    for (const std::string& option : list_members(value)) {
      if (!is_token(option)) {
        return malformed_head("Connection is no list of tokens");
      }
      closes = closes || option == "close";
      keeps = keeps || option == "keep-alive";
    }
  }
  head.keeps_alive = !closes && (keeps || !head.is_http_1_0); // @source RFC 9112, 9.3.
  return std::nullopt;
}

/// Refuses repeated fields that have a single meaning: two servers on the path could each obey a
/// different one. Content-Length, Host and Transfer-Encoding have checks of their own.
/// @source RFC 9110, 5.3.
verdict_on_head check_repeated(const field_list& fields) {
  constexpr std::array<std::string_view, 5> once{
      "authorization", "content-type", "last-event-id", "origin", "x-service-token"};
  for (const std::string_view name : once) {
    if (single(fields, name).count > 1) {
      return problem{400, "repeated_field", "a request has one " + std::string{name} + " at most"};
    }
  }
  return std::nullopt;
}

verdict_on_head read_expectation(request_head& head) {
  for (const std::string_view each : values_of(head.fields, "expect")) {
    if (lower_case(each) != "100-continue") {
      return problem{
          417, "expectation_failed", "the only expectation known here is `100-continue`"};
    }
    // Ignored in HTTP/1.0.
    // @source RFC 9110, 10.1.1.
    head.expects_continue = !head.is_http_1_0;
  }
  return std::nullopt;
}

} // namespace

tl::expected<request_head, problem>
read_head(std::string_view head, const limits& most, const std::vector<std::string>& hosts) {
  request_head read;
  std::string authority;
  auto refused = read_request_line(take_line(head), read, authority);
  for (auto line = take_line(head); !refused && !line.empty(); line = take_line(head)) {
    refused = read_field(line, read.fields);
  }
  if (!refused) {
    refused = check_host(read, authority, hosts);
  }
  if (!refused) {
    refused = check_repeated(read.fields);
  }
  if (!refused) {
    refused = read_body_fields(most, read);
  }
  if (!refused) {
    refused = read_connection(read);
  }
  if (!refused) {
    refused = read_expectation(read);
  }
  if (refused) {
    return tl::unexpected<problem>{std::move(*refused)};
  }
  return read;
}

std::string origin_of(std::string_view head) {
  field_list fields;
  (void)take_line(head);
  for (auto line = take_line(head); !line.empty(); line = take_line(head)) {
    (void)read_field(line, fields);
  }
  const auto origin = single(fields, "origin");
  return origin.count == 1 ? std::string{origin.value} : std::string{};
}

} // namespace troupe::http

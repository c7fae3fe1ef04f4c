#include "topology/endpoint.hpp"

#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace troupe::topology {

namespace {

fault malformed(std::string what, std::string_view remedy) {
  return {{}, std::move(what), std::string{remedy}};
}

/// `text` in the canonical form of the address family; nothing if it is not such an address.
std::optional<std::string> canonical(int family, const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  std::array<char, INET6_ADDRSTRLEN> printed{};
  if (::inet_pton(family, text.c_str(), address.data()) != 1
      || ::inet_ntop(family, address.data(), printed.data(), printed.size()) == nullptr) {
    return std::nullopt;
  }
  return std::string{printed.data()};
}

/// The loopback address that `host` means. Names other than localhost are not looked up, since
/// their address may change between the check and the bind.
std::optional<std::string> loopback(const std::string& host, bool in_brackets) {
  if (in_brackets) {
    auto address = canonical(AF_INET6, host);
    return address == "::1" ? address : std::nullopt;
  }
  if (host == "localhost") {
    return "127.0.0.1";
  }
  auto address = canonical(AF_INET, host);
  // 127.0.0.0/8.
  // @source RFC 1122, 3.2.1.3 (g).
  return address && address->rfind("127.", 0) == 0 ? address : std::nullopt;
}

/// The address that `host` means, in any network.
std::optional<std::string> any_address(const std::string& host, bool in_brackets) {
  return in_brackets           ? canonical(AF_INET6, host)
         : host == "localhost" ? std::optional<std::string>{"127.0.0.1"}
                               : canonical(AF_INET, host);
}

/// Which machines may reach an address.
enum class reach : std::uint8_t { loopback, any };

/// Reads HOST:PORT.
/// @param example shown in faults.
std::variant<endpoint, fault>
read_address(std::string_view address, std::string_view example, reach from = reach::loopback) {
  const std::size_t colon = address.rfind(':');
  const bool in_brackets = !address.empty() && address.front() == '[';
  if (colon == std::string_view::npos || (in_brackets && address[colon - 1] != ']')) {
    return malformed("has no port", example);
  }
  std::string_view host = address.substr(0, colon);
  const std::string_view port_text = address.substr(colon + 1);
  const auto port = read_port(port_text);
  if (!port) {
    return malformed(
        fmt::format("has the port `{}`", port_text), "write a port from 1 to 65535 yourself");
  }
  if (in_brackets) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return malformed("has several colons", "put an IPv6 address in brackets: [::1]");
  }
  if (host.empty()) {
    return malformed("has no host", example);
  }
  const auto address_here = from == reach::any ? any_address(std::string{host}, in_brackets)
                                               : loopback(std::string{host}, in_brackets);
  if (!address_here && from == reach::any) {
    return malformed(
        fmt::format("names `{}`, which is no address", host),
        "write an address of this machine, or 0.0.0.0 for all it has; names are not looked up");
  }
  if (!address_here) {
    return malformed(
        fmt::format(
            "would listen outside loopback (`{}`), where anybody who reaches the port is trusted",
            host),
        "listen on 127.0.0.1; brokers may listen on other addresses once the topology has "
        "`security:`, so that links have keys");
  }
  return endpoint{*address_here, *port};
}

} // namespace

namespace {

std::variant<endpoint, fault> read_tcp(std::string_view text, reach from) {
  constexpr std::string_view scheme = "tcp://";
  constexpr std::string_view example = "write tcp://HOST:PORT, such as tcp://127.0.0.1:5550";
  if (text.substr(0, scheme.size()) != scheme) {
    const std::size_t colon = text.find("://");
    return malformed(
        colon == std::string_view::npos
            ? "has no transport"
            : fmt::format("uses the transport `{}`; links are TCP only", text.substr(0, colon)),
        example);
  }
  return read_address(text.substr(scheme.size()), example, from);
}

} // namespace

std::optional<int> read_port(std::string_view text) {
  int port = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (code != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65'535) {
    return std::nullopt;
  }
  return port;
}

std::variant<endpoint, fault> read_endpoint(std::string_view text) {
  return read_tcp(text, reach::loopback);
}

std::variant<endpoint, fault> read_secured_endpoint(std::string_view text) {
  auto read = read_tcp(text, reach::any);
  if (const auto* where = std::get_if<endpoint>(&read);
      where != nullptr && (where->host == "0.0.0.0" || where->host == "::")) {
    return malformed(
        fmt::format(
            "is a wildcard address (`{}`), to which other hosts cannot connect", where->host),
        "write the address by which the other hosts reach it");
  }
  return read;
}

bool is_loopback(const endpoint& where) {
  return where.host == "::1" || where.host.starts_with("127.");
}

std::variant<endpoint, fault> read_admin_address(std::string_view text) {
  constexpr std::string_view example = "write HOST:PORT, such as 127.0.0.1:9101";
  if (text.find("://") != std::string_view::npos) {
    return malformed("is more than an address", example);
  }
  return read_address(text, example);
}

std::variant<http_endpoint, fault> read_http_endpoint(std::string_view text) {
  constexpr std::string_view plain = "http://";
  constexpr std::string_view secure = "https://";
  constexpr std::string_view example =
      "write http://127.0.0.1:PORT, or https://ADDRESS:PORT and `tls`";
  const bool uses_tls = text.starts_with(secure);
  if (!uses_tls && !text.starts_with(plain)) {
    return malformed("is neither http:// nor https://", example);
  }
  text.remove_prefix(uses_tls ? secure.size() : plain.size());
  if (text.find('/') != std::string_view::npos) {
    return malformed("has a path", "leave it out; paths stand in `routes`");
  }
  auto read = read_address(text, example, uses_tls ? reach::any : reach::loopback);
  if (auto* wrong = std::get_if<fault>(&read)) {
    if (!uses_tls && any_address(std::string{text.substr(0, text.rfind(':'))}, false)) {
      return malformed(
          "would serve plain HTTP beyond this machine",
          "write https:// and `tls`, or listen on 127.0.0.1 with a proxy in front");
    }
    return *wrong;
  }
  return http_endpoint{uses_tls, std::get<endpoint>(read)};
}

std::string to_text(const endpoint& where) {
  const bool is_v6 = where.host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", where.host, where.port)
               : fmt::format("{}:{}", where.host, where.port);
}

} // namespace troupe::topology

#include "runtime/gateway/client_address.hpp"

#include "runtime/contains.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace troupe::gateway {

namespace {

constexpr std::string_view mapped = "::ffff:";

std::optional<std::string> printed(int family, const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  std::array<char, INET6_ADDRSTRLEN> room{};
  if (::inet_pton(family, text.c_str(), bytes.data()) != 1) {
    return std::nullopt;
  }
  return ::inet_ntop(family, bytes.data(), room.data(), room.size());
}

/// The address in "192.0.2.1:4711", "[2001:db8::1]:4711" or "[2001:db8::1]".
std::string_view without_port(std::string_view entry) {
  if (entry.starts_with('[')) {
    return entry.substr(1, entry.find(']') - 1);
  }
  const bool is_version_4 = std::ranges::count(entry, ':') == 1;
  return is_version_4 ? entry.substr(0, entry.find(':')) : entry;
}

bool is_in(const std::vector<std::string>& proxies, const std::string& address) {
  return contains(proxies, address);
}

} // namespace

std::optional<std::string> normal_address(std::string_view text) {
  const std::string whole{text};
  if (auto version_4 = printed(AF_INET, whole)) {
    return version_4;
  }
  auto version_6 = printed(AF_INET6, whole);
  if (version_6 && version_6->starts_with(mapped)) {
    if (auto inner = printed(AF_INET, version_6->substr(mapped.size()))) {
      return inner;
    }
  }
  return version_6;
}

std::string client_address(const http::request& asked, const std::vector<std::string>& proxies) {
  std::string nearest = asked.peer.host;
  if (!is_in(proxies, nearest)) {
    return nearest;
  }
  // A proxy may add a field of its own instead of an entry to the existing one.
  std::vector<std::string> heard;
  for (const auto& [name, value] : asked.fields) {
    if (name == "x-forwarded-for") {
      const auto entries = http::list_members(value);
      heard.insert(heard.end(), entries.begin(), entries.end());
    }
  }
  for (auto each = heard.rbegin(); each != heard.rend(); ++each) {
    auto address = normal_address(without_port(*each));
    if (!address) {
      return nearest;
    }
    nearest = std::move(*address);
    if (!is_in(proxies, nearest)) {
      return nearest;
    }
  }
  return nearest;
}

bool is_of_proxy(const http::request& asked, const std::vector<std::string>& proxies) {
  return is_in(proxies, asked.peer.host);
}

bool client_uses_tls(const http::request& asked, const std::vector<std::string>& proxies) {
  const auto said = is_of_proxy(asked, proxies)
                        ? http::list_members(asked.listed("x-forwarded-proto"))
                        : std::vector<std::string>{};
  const std::string last = said.empty() ? std::string{} : http::lower_case(said.back());
  return last == "https" || (asked.peer.uses_tls && last != "http");
}

} // namespace troupe::gateway

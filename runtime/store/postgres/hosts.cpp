#include "runtime/store/postgres/hosts.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>
#include <utility>

namespace troupe::store {

namespace {

constexpr std::array<std::string_view, 3> lists{"host", "hostaddr", "port"};

std::vector<std::string> parts_of(std::string_view list) {
  std::vector<std::string> found;
  for (std::size_t comma = list.find(','); comma != std::string_view::npos;
       comma = list.find(',')) {
    found.emplace_back(list.substr(0, comma));
    list.remove_prefix(comma + 1);
  }
  found.emplace_back(list);
  return found;
}

std::string_view text_or_empty(const char* text) {
  return text == nullptr ? std::string_view{} : std::string_view{text};
}

} // namespace

postgres_hosts::postgres_hosts(postgres_route to, std::size_t first) : to_{std::move(to)} {
  for (const std::string_view each : lists) {
    if (const auto said = to_.find(each); said != to_.end()) {
      auto parts = parts_of(said->second);
      hosts_ = std::max(hosts_, parts.size());
      lists_.emplace(each, std::move(parts));
    }
  }
  // A list of another length, such as a single port, applies to all hosts.
  std::erase_if(lists_, [this](const auto& each) { return each.second.size() != hosts_; });
  first_ = first % hosts_;
}

postgres_route postgres_hosts::route() const {
  postgres_route turned = to_;
  for (const auto& [keyword, parts] : lists_) {
    std::vector<std::string> order = parts;
    std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(first_), order.end());
    turned[keyword] = fmt::format("{}", fmt::join(order, ","));
  }
  return turned;
}

void postgres_hosts::found(const PGconn* connection) {
  const std::string_view host = text_or_empty(PQhost(connection));
  const std::string_view port = text_or_empty(PQport(connection));
  const auto names = lists_.find(lists_.contains("host") ? "host" : "hostaddr");
  const auto ports = lists_.find("port");
  for (std::size_t i = 0; names != lists_.end() && i < hosts_; ++i) {
    const bool has_port = ports == lists_.end() || ports->second[i].empty()
                          || std::string_view{ports->second[i]} == port;
    if (has_port && std::string_view{names->second[i]} == host) {
      first_ = (i + 1) % hosts_;
      return;
    }
  }
}

} // namespace troupe::store

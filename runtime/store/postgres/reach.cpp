#include "runtime/store/postgres/reach.hpp"

#include "runtime/clock.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace troupe::store {

namespace {

using route = std::map<std::string, std::string, std::less<>>;
using handle = std::unique_ptr<PGconn, finish_connection>;

constexpr milliseconds head_start{100};
// What libpq makes of a shorter one.
constexpr std::chrono::seconds connect_timeout_min{2};

std::string value_of(const route& of, std::string_view keyword) {
  const auto found = of.find(keyword);
  return found == of.end() ? std::string{} : found->second;
}

std::vector<std::string> words_in(std::string_view list) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t comma = std::min(list.find(','), list.size());
    parts.emplace_back(list.substr(0, comma));
    if (comma == list.size()) {
      return parts;
    }
    list.remove_prefix(comma + 1);
  }
}

/// The addresses of a host, as numbers; none if that is left to libpq: it is a folder of sockets,
/// or nobody knows it, which libpq will say.
std::vector<std::string> addresses_of(const std::string& host) {
  if (host.empty() || host.front() == '/' || host.front() == '@') {
    return {};
  }
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &wanted, &found) != 0) {
    return {};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all{found, &::freeaddrinfo};
  std::vector<std::string> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    std::string text(NI_MAXHOST, '\0');
    if (::getnameinfo(
            each->ai_addr,
            each->ai_addrlen,
            text.data(),
            static_cast<socklen_t>(text.size()),
            nullptr,
            0,
            NI_NUMERICHOST)
        == 0) {
      text.resize(text.find('\0'));
      addresses.push_back(std::move(text));
    }
  }
  return addresses;
}

/// A route for each address, in order; none if libpq has to choose by itself: by its environment,
/// or by what all servers are.
std::vector<route> routes_of(const route& to) {
  const auto hosts = words_in(value_of(to, "host"));
  const auto numbers = words_in(value_of(to, "hostaddr"));
  const auto ports = words_in(value_of(to, "port"));
  const std::size_t count = std::max(hosts.size(), numbers.size());
  const auto fits = [count](const std::vector<std::string>& list) {
    return list.size() == count || (list.size() == 1 && list.front().empty());
  };
  const bool is_of_environment = value_of(to, "host").empty() && value_of(to, "hostaddr").empty();
  if (is_of_environment || value_of(to, "target_session_attrs") == "prefer-standby" || !fits(hosts)
      || !fits(numbers) || (ports.size() != 1 && ports.size() != count)) {
    return {};
  }
  std::vector<route> routes;
  for (std::size_t i = 0; i < count; ++i) {
    route one = to;
    one["host"] = hosts.size() == count ? hosts[i] : "";
    one["port"] = ports.size() == count ? ports[i] : ports.front();
    one["hostaddr"] = numbers.size() == count ? numbers[i] : "";
    const auto addresses =
        one["hostaddr"].empty() ? addresses_of(one["host"]) : std::vector<std::string>{};
    for (const std::string& address : addresses) {
      one["hostaddr"] = address;
      routes.push_back(one);
    }
    if (addresses.empty()) {
      routes.push_back(std::move(one));
    }
  }
  return routes;
}

/// libpq's parameters as it takes them. Borrows the route.
struct parameters {
  explicit parameters(const route& of) {
    for (const auto& [keyword, text] : of) {
      keywords.push_back(keyword.c_str());
      values.push_back(text.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
  }

  std::vector<const char*> keywords;
  std::vector<const char*> values;
};

std::string words_of(const PGconn* failed) {
  std::string said = PQerrorMessage(failed);
  while (!said.empty() && said.back() == '\n') {
    said.pop_back();
  }
  return said;
}

/// When an address that is asked now is given up.
instant deadline_of(const route& to, instant now) {
  const std::string text = value_of(to, "connect_timeout");
  std::int64_t seconds = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (read.ec != std::errc{} || seconds <= 0 || seconds > 86'400) {
    return instant::max();
  }
  return now + std::max(std::chrono::seconds{seconds}, connect_timeout_min);
}

/// The servers that are asked at the moment.
class race {
public:
  explicit race(std::vector<route> routes) : routes_{std::move(routes)} {}

  reached_server run() {
    while (!has_won_) {
      const instant now = time_.now();
      if (started_ < routes_.size() && (running_.empty() || now >= start_at_)) {
        start(routes_[started_++], now);
      } else if (running_.empty()) {
        return {std::move(last_), std::move(why_not_)};
      } else {
        wait(now);
      }
    }
    return {std::move(last_), {}};
  }

private:
  struct attempt {
    handle connection;
    PostgresPollingStatusType waits_for;
    instant deadline;
  };

  void start(const route& to, instant now) {
    start_at_ = now + head_start;
    const parameters as{to};
    handle made{PQconnectStartParams(as.keywords.data(), as.values.data(), 0)};
    if (made == nullptr || PQstatus(made.get()) == CONNECTION_BAD) {
      return failed(std::move(made), "");
    }
    running_.push_back({std::move(made), PGRES_POLLING_WRITING, deadline_of(to, now)});
  }

  void wait(instant now) {
    instant until = started_ < routes_.size() ? start_at_ : instant::max();
    std::vector<pollfd> sockets;
    for (const attempt& each : running_) {
      until = std::min(until, each.deadline);
      const bool writes = each.waits_for == PGRES_POLLING_WRITING;
      sockets.push_back(
          {PQsocket(each.connection.get()), static_cast<short>(writes ? POLLOUT : POLLIN), 0});
    }
    const int patience = until == instant::max()
                             ? -1
                             : static_cast<int>(std::max<std::int64_t>(
                                 std::chrono::ceil<milliseconds>(until - now).count(), 0));
    (void)::poll(sockets.data(), static_cast<nfds_t>(sockets.size()), patience);
    std::vector<attempt> asked = std::exchange(running_, {});
    for (std::size_t i = 0; i < asked.size() && !has_won_; ++i) {
      go_on(std::move(asked[i]), sockets[i].revents != 0);
    }
  }

  void go_on(attempt each, bool is_ready) {
    if (is_ready) {
      each.waits_for = PQconnectPoll(each.connection.get());
    }
    if (each.waits_for == PGRES_POLLING_OK) {
      last_ = std::move(each.connection);
      has_won_ = true;
    } else if (each.waits_for == PGRES_POLLING_FAILED) {
      failed(std::move(each.connection), "");
    } else if (time_.now() >= each.deadline) {
      failed(std::move(each.connection), "timeout expired");
    } else {
      running_.push_back(std::move(each));
    }
  }

  /// Notes why, and has the next one begin at once.
  void failed(handle connection, std::string_view why) {
    start_at_ = {};
    std::string said;
    if (connection != nullptr && why.empty()) {
      said = words_of(connection.get());
    } else if (connection != nullptr) {
      said = fmt::format(
          "connection to server at \"{}\" ({}), port {} failed: {}",
          PQhost(connection.get()),
          PQhostaddr(connection.get()),
          PQport(connection.get()),
          why);
    }
    why_not_ += (why_not_.empty() ? "" : "\n") + said;
    last_ = std::move(connection);
  }

  const std::vector<route> routes_;
  const system_clock time_;
  std::vector<attempt> running_;
  std::size_t started_ = 0;
  instant start_at_{};
  bool has_won_ = false;
  handle last_;
  std::string why_not_;
};

} // namespace

reached_server reach_server(const route& to) {
  auto routes = routes_of(to);
  if (!routes.empty()) {
    return race{std::move(routes)}.run();
  }
  const parameters as{to};
  handle made{PQconnectdbParams(as.keywords.data(), as.values.data(), 0)};
  const bool is_good = made != nullptr && PQstatus(made.get()) == CONNECTION_OK;
  std::string why_not = made == nullptr || is_good ? std::string{} : words_of(made.get());
  return {std::move(made), std::move(why_not)};
}

} // namespace troupe::store

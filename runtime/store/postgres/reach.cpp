#include "runtime/store/postgres/reach.hpp"

#include "runtime/clock.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <netinet/in.h>
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
// libpq raises a shorter timeout to this.
constexpr std::chrono::seconds connect_timeout_min{2};
constexpr std::chrono::seconds longest_timeout{86'400};

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

/// An address to try.
struct candidate {
  route to;
  std::size_t machine = 0;
  /// Why the address cannot be tried; empty if it can.
  std::string why_not{};
};

/// Whether a host is a name that needs a lookup, rather than an address or a socket folder.
bool is_name(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return !host.empty() && host.front() != '/' && host.front() != '@'
         && ::inet_pton(AF_INET, host.c_str(), address.data()) != 1
         && ::inet_pton(AF_INET6, host.c_str(), address.data()) != 1;
}

/// Whether the addresses of a name can belong to one machine, rather than to several.
bool is_one_machine(const std::vector<std::string>& addresses) {
  const auto of_ipv6 = std::ranges::count_if(
      addresses, [](const auto& each) { return each.find(':') != std::string::npos; });
  return of_ipv6 <= 1 && static_cast<std::ptrdiff_t>(addresses.size()) - of_ipv6 <= 1;
}

/// The time allowed for one address; a day if there is no limit.
milliseconds connect_timeout(const route& to) {
  const std::string text = value_of(to, "connect_timeout");
  std::int64_t seconds = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (read.ec != std::errc{} || seconds <= 0 || seconds > longest_timeout.count()) {
    return longest_timeout;
  }
  return std::max(std::chrono::seconds{seconds}, connect_timeout_min);
}

/// Adds a candidate for each address of the host of `one`, whose address is not known yet.
void add_addresses(
    route one, const host_addresses& told, std::size_t& machine, std::vector<candidate>& to) {
  if (told.found.empty()) {
    to.push_back({std::move(one), machine++, told.why_not});
    return;
  }
  const bool is_one = is_one_machine(told.found);
  for (const std::string& address : told.found) {
    one["hostaddr"] = address;
    to.push_back({one, machine, {}});
    machine += is_one ? 0 : 1;
  }
  machine += is_one ? 1 : 0;
}

/// A candidate for each address, in order. None if the choice must be left to libpq, because it
/// depends on the environment or on properties of all servers.
std::vector<candidate> candidates_of(const route& to, address_book& book) {
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
  std::vector<route> hosts_in_order;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    route& one = hosts_in_order.emplace_back(to);
    one["host"] = hosts.size() == count ? hosts[i] : "";
    one["port"] = ports.size() == count ? ports[i] : ports.front();
    one["hostaddr"] = numbers.size() == count ? numbers[i] : "";
    if (one["hostaddr"].empty() && is_name(one["host"])) {
      names.push_back(one["host"]);
    }
  }
  // If some hosts need no lookup, the wait for the others is limited.
  const auto told = book.find(names, connect_timeout(to), names.size() == count);
  std::vector<candidate> candidates;
  std::size_t machine = 0;
  auto next_name = told.begin();
  for (route& one : hosts_in_order) {
    if (one["hostaddr"].empty() && is_name(one["host"])) {
      add_addresses(std::move(one), *next_name++, machine, candidates);
    } else {
      candidates.push_back({std::move(one), machine++, {}});
    }
  }
  return candidates;
}

/// The route in the form that libpq takes. Borrows the route.
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

/// The connection attempts in progress.
class race {
public:
  explicit race(std::vector<candidate> candidates) : candidates_{std::move(candidates)} {}

  reached_server run() {
    while (!has_won_) {
      const instant now = time_.now();
      if (started_ < candidates_.size() && (running_.empty() || now >= start_at_)) {
        start(candidates_[started_++], now);
      } else if (running_.empty()) {
        return {nullptr, std::move(failures_)};
      } else {
        wait(now);
      }
    }
    return {std::move(winner_), {}};
  }

private:
  struct attempt {
    handle connection;
    std::size_t machine;
    PostgresPollingStatusType waits_for;
    instant deadline;
  };

  void start(const candidate& what, instant now) {
    start_at_ = now + head_start;
    if (!what.why_not.empty()) {
      start_at_ = {};
      failures_.push_back({what.why_not, false, false, what.machine});
      return;
    }
    const parameters as{what.to};
    attempt made{
        handle{PQconnectStartParams(as.keywords.data(), as.values.data(), 0)},
        what.machine,
        PGRES_POLLING_WRITING,
        now + connect_timeout(what.to)};
    if (made.connection == nullptr || PQstatus(made.connection.get()) == CONNECTION_BAD) {
      return failed(made, "");
    }
    running_.push_back(std::move(made));
  }

  void wait(instant now) {
    instant until = started_ < candidates_.size() ? start_at_ : instant::max();
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
      winner_ = std::move(each.connection);
      has_won_ = true;
    } else if (each.waits_for == PGRES_POLLING_FAILED) {
      failed(each, "");
    } else if (time_.now() >= each.deadline) {
      failed(each, "timeout expired");
    } else {
      running_.push_back(std::move(each));
    }
  }

  /// Records the reason of a failed attempt, and starts the next attempt at once.
  void failed(const attempt& one, std::string_view why) {
    start_at_ = {};
    PGconn* const connection = one.connection.get();
    if (connection == nullptr) {
      failures_.push_back({"out of memory", false, false, one.machine});
      return;
    }
    failures_.push_back(
        {why.empty() ? words_of(connection)
                     : fmt::format(
                         "connection to server at \"{}\" ({}), port {} failed: {}",
                         PQhost(connection),
                         PQhostaddr(connection),
                         PQport(connection),
                         why),
         PQconnectionNeedsPassword(connection) != 0,
         PQconnectionUsedPassword(connection) != 0,
         one.machine});
  }

  const std::vector<candidate> candidates_;
  const system_clock time_;
  std::vector<attempt> running_;
  std::size_t started_ = 0;
  instant start_at_{};
  bool has_won_ = false;
  handle winner_;
  std::vector<failed_attempt> failures_;
};

} // namespace

reached_server reach_server(const route& to, address_book& addresses) {
  auto candidates = candidates_of(to, addresses);
  if (!candidates.empty()) {
    return race{std::move(candidates)}.run();
  }
  const parameters as{to};
  handle made{PQconnectdbParams(as.keywords.data(), as.values.data(), 0)};
  if (made == nullptr) {
    return {nullptr, {failed_attempt{"out of memory"}}};
  }
  if (PQstatus(made.get()) == CONNECTION_OK) {
    return {std::move(made), {}};
  }
  auto failures = attempts_in(words_of(made.get()));
  for (failed_attempt& each : failures) {
    each.wants_password = PQconnectionNeedsPassword(made.get()) != 0;
    each.had_password = PQconnectionUsedPassword(made.get()) != 0;
  }
  return {nullptr, std::move(failures)};
}

std::vector<failed_attempt> attempts_in(const std::string& said) {
  constexpr std::string_view begins = "\nconnection to server";
  std::vector<failed_attempt> all;
  std::map<std::string, std::size_t, std::less<>> machines;
  for (std::size_t at = 0; at < said.size();) {
    const std::size_t end = std::min(said.find(begins, at), said.size());
    failed_attempt& one = all.emplace_back();
    one.said = said.substr(at, end - at);
    // Attempts with and without TLS concern the same server.
    const std::string server = one.said.substr(0, one.said.find(" failed:"));
    one.machine = machines.try_emplace(server, machines.size()).first->second;
    at = end + 1;
  }
  return all;
}

} // namespace troupe::store

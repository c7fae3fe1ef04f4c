#include "runtime/store/postgres/address_book.hpp"

#include "runtime/quiet_thread.hpp"

#include <algorithm>
#include <condition_variable>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <netdb.h>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace troupe::store {

struct address_book::state {
  /// What is known of a host.
  struct entry {
    bool is_running = false;
    instant since{}; // Start of the last lookup.
    std::vector<std::string> told_last{};
    std::string why_not{}; // Reason of the last failure; empty after a success.
  };

  explicit state(lookup way) : how{std::move(way)} {}

  const lookup how;
  std::mutex mutex;
  std::condition_variable answered;
  std::map<std::string, entry, std::less<>> hosts;

  void take(const std::string& host, host_addresses answer) {
    {
      const std::lock_guard lock{mutex};
      entry& of = hosts[host];
      of.is_running = false;
      of.why_not = answer.found.empty() ? std::move(answer.why_not) : std::string{};
      if (!answer.found.empty()) {
        of.told_last = std::move(answer.found);
      }
    }
    answered.notify_all();
  }
};

address_book::address_book(lookup how) : state_{std::make_shared<state>(std::move(how))} {
}

std::vector<host_addresses>
address_book::find(const std::vector<std::string>& hosts, milliseconds patience, bool are_all) {
  std::unique_lock lock{state_->mutex};
  std::vector<std::string> begun;
  for (const std::string& each : hosts) {
    state::entry& of = state_->hosts[each];
    if (!of.is_running) {
      of.is_running = true;
      of.since = system_clock{}.now();
      begun.push_back(each);
    }
  }
  lock.unlock();
  for (const std::string& each : begun) {
    const auto look = [in = state_, each] { in->take(each, in->how(each)); };
    try {
      quiet_thread(look).detach();
    } catch (const std::system_error&) { // No thread can be started: look up on this one.
      look();
    }
  }
  lock.lock();
  const auto answers = [&](const std::string& host) { return !state_->hosts[host].is_running; };
  for (const std::string& each : hosts) {
    state_->answered.wait_until(
        lock, state_->hosts[each].since + patience, [&] { return answers(each); });
  }
  const auto is_known = [&](const std::string& host) {
    return !state_->hosts[host].told_last.empty();
  };
  state_->answered.wait(lock, [&] {
    return !are_all || std::ranges::any_of(hosts, is_known) || std::ranges::all_of(hosts, answers);
  });
  std::vector<host_addresses> found;
  for (const std::string& each : hosts) {
    const state::entry& of = state_->hosts[each];
    found.push_back(
        {of.told_last,
         of.is_running ? fmt::format(
             "could not translate host name \"{}\" to address: no server "
             "of names has answered yet",
             each)
                       : of.why_not});
  }
  return found;
}

host_addresses address_book::look_up(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found); failed != 0) {
    return {
        {},
        fmt::format(
            "could not translate host name \"{}\" to address: {}", host, ::gai_strerror(failed))};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all{found, &::freeaddrinfo};
  host_addresses told;
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
      told.found.push_back(std::move(text));
    }
  }
  if (told.found.empty()) {
    told.why_not =
        fmt::format("could not translate host name \"{}\" to address: it has none", host);
  }
  return told;
}

} // namespace troupe::store

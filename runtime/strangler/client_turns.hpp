#pragma once

#include "runtime/clock.hpp"
#include "runtime/secret_hash.hpp"

#include <cstdint>
#include <iterator>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

namespace troupe::strangler {

/// Waiting requests: those of one client in order, and clients in turn, so that a client with many
/// does not delay others. Pure.
template <class Value>
class client_turns {
public:
  struct entry {
    std::uint64_t client;
    instant until;
    Value what;
  };

  client_turns() = default;
  client_turns(client_turns&&) = default;
  client_turns& operator=(client_turns&&) = default;
  client_turns(const client_turns&) = delete;
  client_turns& operator=(const client_turns&) = delete;

  bool empty() const { return all_.empty(); }

  /// @param until when it has waited too long; not earlier than that of any waiting request.
  void push(std::uint64_t client, instant until, Value what) {
    const auto [found, is_new] = of_.try_emplace(client);
    if (is_new) {
      found->second.turn = turns_.insert(turns_.end(), client);
    }
    all_.push_back({client, until, std::move(what)});
    found->second.waiting.push_back(std::prev(all_.end()));
  }

  /// Takes the next one; one must wait.
  entry take() {
    const std::uint64_t client = turns_.front();
    turns_.splice(turns_.end(), turns_, turns_.begin());
    return take_first_of(client);
  }

  /// Takes one that has waited too long, if there is one.
  std::optional<entry> take_late(instant now) {
    return !all_.empty() && all_.front().until <= now
               ? std::optional{take_first_of(all_.front().client)}
               : std::nullopt;
  }

  /// When the first has waited too long; one must wait.
  instant first_until() const { return all_.front().until; }

private:
  using place = typename std::list<entry>::iterator;

  struct client_state {
    std::list<place> waiting{};
    std::list<std::uint64_t>::iterator turn{};
  };

  entry take_first_of(std::uint64_t client) {
    const auto found = of_.find(client);
    const place first = found->second.waiting.front();
    entry taken = std::move(*first);
    found->second.waiting.pop_front();
    if (found->second.waiting.empty()) {
      turns_.erase(found->second.turn);
      of_.erase(found);
    }
    all_.erase(first);
    return taken;
  }

  /// In the order in which they came, which is also that of their deadlines.
  std::list<entry> all_;
  std::unordered_map<std::uint64_t, client_state, secret_hash> of_;
  std::list<std::uint64_t> turns_;
};

} // namespace troupe::strangler

#pragma once

#include "runtime/clock.hpp"
#include "runtime/secret_hash.hpp"
#include "runtime/shares.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>

namespace troupe::gateway {

/// The shares of clients in the kept keys: each may have as many as are left for the others. Pure.
///
/// Clients share 1,024 places by hash, so that memory stays bounded. A key counts for as long as it
/// is kept, to 1/168 of that time (an hour of a week). Keys from before a restart belong to no
/// client, and count as new.
class key_shares {
public:
  /// @param most the limit of all keys. @param before the number that exist already.
  key_shares(std::size_t most, milliseconds kept, std::size_t before, instant now)
      : span_{kept / parts}, counted_{most} {
    spans_.push_back({now, {}});
    add_to(nobody, before);
  }

  /// Whether this client may have one more.
  bool admits(std::string_view client, instant now) {
    forget(now);
    return counted_.admits(place_of(client), 1);
  }

  /// Counts one more key of this client.
  void add(std::string_view client, instant now) {
    forget(now);
    add_to(place_of(client), 1);
  }

private:
  static constexpr int parts = 168;
  static constexpr std::size_t places = 1'024;
  static constexpr std::size_t nobody = places;

  struct span {
    instant since;
    std::array<std::uint32_t, places + 1> keys;
  };

  std::size_t place_of(std::string_view client) const { return place_(client) % places; }

  void add_to(std::size_t place, std::size_t count) {
    counted_.add(place, count);
    spans_.back().keys[place] += static_cast<std::uint32_t>(count);
  }

  void forget(instant now) {
    if (now - spans_.back().since >= span_) {
      spans_.push_back({now, {}});
    }
    while (spans_.size() > 1 && now - spans_.front().since >= span_ * (parts + 1)) {
      for (std::size_t i = 0; i < spans_.front().keys.size(); ++i) {
        counted_.remove(i, spans_.front().keys[i]);
      }
      spans_.pop_front();
    }
  }

  const instant::duration span_;
  secret_hash place_;
  shares counted_;
  std::deque<span> spans_;
};

} // namespace troupe::gateway

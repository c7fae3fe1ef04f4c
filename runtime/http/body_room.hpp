#pragma once

#include "runtime/secret_hash.hpp"
#include "runtime/shares.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe::http {

/// The memory of bodies that have not come in whole, in shares by the addresses they come from:
/// whoever begins many and ends none leaves room for the bodies of others.
///
/// Confined to the server's thread; outlives its parts.
class body_room {
public:
  explicit body_room(std::size_t bytes_max) : held_{bytes_max} {}

  /// The part of one body, given back at its end.
  class part {
  public:
    /// @param address an IP address as text.
    part(body_room& of, const std::string& address);
    ~part();
    part(const part&) = delete;
    part& operator=(const part&) = delete;

    /// Whether the body may have as many bytes; if not, it has as many as before.
    bool grow_to(std::size_t bytes);

  private:
    body_room& of_;
    const std::uint64_t whose_;
    std::size_t bytes_ = 0;
  };

  std::size_t bytes() const { return held_.all(); }

private:
  secret_hash hash_;
  shares held_;
};

} // namespace troupe::http

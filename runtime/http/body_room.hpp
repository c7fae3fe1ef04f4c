#pragma once

#include "runtime/secret_hash.hpp"
#include "runtime/shares.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe::http {

/// The memory for incomplete bodies, in shares by client address: a client that begins many and
/// ends none leaves room for the bodies of others.
///
/// Confined to the server's thread; outlives its parts.
class body_room {
public:
  explicit body_room(std::size_t bytes_max) : held_{bytes_max} {}

  /// The part of one body; its destructor gives it back.
  class part {
  public:
    /// @param address an IP address as text.
    part(body_room& of, const std::string& address);
    ~part();
    part(const part&) = delete;
    part& operator=(const part&) = delete;

    /// Whether the body may have that many bytes; if not, it keeps what it had.
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

#pragma once

#include "runtime/error.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::transport {

/// A public key of CURVE (Curve25519).
using curve_public_key = std::array<std::uint8_t, 32>;

/// A secret key of CURVE, wiped on destruction.
class curve_secret_key {
public:
  curve_secret_key() = default;
  curve_secret_key(const curve_secret_key&) = default;
  curve_secret_key& operator=(const curve_secret_key&) = default;
  ~curve_secret_key();

  std::array<std::uint8_t, 32> bytes{};
};

struct curve_pair {
  curve_public_key public_key{};
  curve_secret_key secret_key;
};

/// A token that proves who logs in.
struct login_token {
  std::string text;
  /// The time after which another one should be requested.
  std::chrono::milliseconds renew_in{};
  /// Called with the reason whenever the next one could not be obtained, or was not accepted by the
  /// broker: the login ends when this one expires. On the loop's thread; may be empty.
  std::function<void(const error&)> not_renewed{};
};

/// The keys that the connecting side of a link needs: its own pair, the public key of the listening
/// side, and its token if that side requires one.
struct curve_link_keys {
  curve_pair own;
  curve_public_key broker{};
  std::optional<login_token> token{};
};

/// A new pair, of the system's random bytes.
/// @throws std::runtime_error libzmq was built without CURVE.
curve_pair make_curve_pair();

curve_public_key public_key_of(const curve_secret_key& secret);

/// A key as 40 characters of Z85. @source ZeroMQ RFC 32.
std::string to_z85(const std::array<std::uint8_t, 32>& key);

/// Reads 40 characters of Z85; nothing if they are not valid.
std::optional<std::array<std::uint8_t, 32>> key_of_z85(std::string_view text);

/// Whether the key is zero, or one of the published examples in the manual of ZeroMQ. Takes public
/// and secret keys.
/// @source libzmq, doc/zmq_curve.txt and zmq_setsockopt.txt.
bool is_example_key(const std::array<std::uint8_t, 32>& key);

} // namespace troupe::transport

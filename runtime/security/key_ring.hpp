#pragma once

#include "runtime/outcome.hpp"
#include "runtime/transport/curve_keys.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::security {

/// The keys that one process uses: its own pair, and the public keys of all owners in the folder.
///
/// Read, and read again, as a whole: a folder that has become unusable changes nothing. Safe from
/// any thread.
class key_ring {
public:
  /// @param owner whose pair is used.
  /// @errors what `read_public_keys`, `read_secret_key` and `check_key_folder` say; `invalid`: a
  /// secret key that matches none of its owner's public ones, or a public key that two owners have.
  static outcome<std::unique_ptr<key_ring>> open(std::string folder, std::string owner);

  /// Reads all keys again. An error leaves those read before in use.
  outcome<void> reread();

  const std::string& owner() const { return owner_; }

  /// The owner of this key; empty if there is none.
  std::string owner_of(const transport::curve_public_key& key) const;

  transport::curve_pair own() const;

  /// The keys of a link to `broker`.
  /// @param attempt the number of failed logins: while a broker's key is being replaced both keys
  /// are tried.
  /// @errors `unavailable`: there is no public key of that broker.
  outcome<transport::curve_link_keys> link_to(const std::string& broker, std::size_t attempt) const;

private:
  using owners = std::map<transport::curve_public_key, std::string>;
  using public_keys = std::map<std::string, std::vector<transport::curve_public_key>>;

  struct contents {
    transport::curve_pair own;
    owners by_key;
    public_keys by_owner;
  };

  key_ring(std::string folder, std::string owner)
      : folder_{std::move(folder)}, owner_{std::move(owner)} {}

  outcome<contents> read() const;

  const std::string folder_;
  const std::string owner_;
  mutable std::mutex mutex_; // Guards what follows.
  contents now_;
};

} // namespace troupe::security

#pragma once

#include "runtime/contract/interaction.hpp"
#include "runtime/http/server.hpp"
#include "runtime/outcome.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::contract {

/// Stands in for a provider over HTTP: answers a request that was spoken of as was said, and any
/// other with 500 and the reasons. Owns a thread; its members may be called from any other.
class mock_provider {
public:
  /// Serves on a port of 127.0.0.1 that the system chooses.
  /// @param expected must outlive it.
  /// @errors `unavailable`: no port can be had.
  static outcome<std::unique_ptr<mock_provider>> start(const std::vector<interaction>& expected);

  mock_provider(const mock_provider&) = delete;
  mock_provider& operator=(const mock_provider&) = delete;
  ~mock_provider() = default;

  /// "http://127.0.0.1:40123".
  std::string url() const { return "http://" + server_->address(); }

  /// Whether each of the expected ones was asked for, by number.
  std::vector<bool> asked() const;
  /// The requests that nobody spoke of, each with its differences from the closest one.
  std::vector<std::string> strangers() const;

private:
  explicit mock_provider(const std::vector<interaction>& expected)
      : expected_{expected}, asked_(expected.size()) {}

  http::response answer(const http::request& asked);

  const std::vector<interaction>& expected_;
  mutable std::mutex mutex_;
  std::vector<bool> asked_;
  std::vector<std::string> strangers_;
  std::unique_ptr<http::server> server_; // Last, so that its thread ends first.
};

} // namespace troupe::contract

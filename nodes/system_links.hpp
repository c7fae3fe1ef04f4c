#pragma once

#include "nodes/connection.hpp"
#include "runtime/client/client.hpp"
#include "topology/plan.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// Links for reading the state of a system: one to each broker, about itself, and one over any
/// broker, to the nodes. Each link may be used from its own thread, one request at a time.
class system_links {
public:
  using answers = std::vector<outcome<std::string>>;
  /// Gives the options for connecting to some of the brokers.
  using options_source = std::function<outcome<client::options>(std::vector<std::string>)>;

  system_links(const topology::plan& plan, const options_source& options);

  /// Asks the broker with this index in the topology.
  answers
  ask_broker(std::size_t number, const std::vector<question>& questions, milliseconds deadline);

  /// Asks the targets of the requests, over any broker.
  answers ask_any(const std::vector<question>& questions, milliseconds deadline);

  /// Asks the broker that keeps the journal.
  answers ask_journal(const std::vector<question>& questions, milliseconds deadline);

private:
  using link = outcome<std::unique_ptr<client::client>>;

  static answers
  ask(const link& over, const std::vector<question>& questions, milliseconds deadline);

  std::vector<link> brokers_;
  link any_;
  // Index of the journal's broker; nothing if brokers share the journal.
  std::optional<std::size_t> keeper_;
};

} // namespace troupe

#pragma once

#include "nodes/commands/status/questions.hpp"
#include "nodes/commands/status/troubles.hpp"
#include "nodes/system_links.hpp"
#include "runtime/clock.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/node_calls.hpp"
#include "topology/plan.hpp"

#include <set>
#include <string>
#include <vector>

namespace troupe {

/// A saga, and the nodes that list it: a stopped one is listed by each node of its capability.
struct placed_saga {
  std::string capability;
  wire::standing_saga saga;
  std::vector<std::string> nodes;
};

/// The state of a system for continuous display, in a browser or a terminal.
struct system_state {
  system_answers answers;
  std::vector<trouble> found;
  /// Stopped and running sagas in the order of their ids; and whether nodes have more than they
  /// listed, so that these are only a part.
  std::vector<placed_saga> sagas;
  bool has_more_standing = false;
  bool has_more_running = false;
  /// The dead letters, oldest first, as many as are shown.
  std::vector<wire::letter> letters;
  /// Whether databases were asked this time; otherwise their data are of an earlier time.
  bool is_from_databases = false;
};

/// Reads the state of a system repeatedly: brokers and nodes each time; what nodes and the broker
/// read from databases, every few seconds. Confined to one thread at a time.
class system_reader {
public:
  /// @param plan, time outlive this.
  /// @param file the topology, as the user wrote it.
  system_reader(const topology::plan& plan, std::string file, const clock& time);

  system_state read(system_links& links);

private:
  void read_databases(system_links& links, const system_answers& answers);

  const topology::plan& plan_;
  const std::string file_;
  const clock& time_;
  instant databases_at_{};
  std::vector<waiting_view> waiting_;
  std::vector<placed_saga> sagas_;
  bool has_more_standing_ = false;
  bool has_more_running_ = false;
  std::vector<wire::letter> letters_;
};

/// The brokers and nodes that did not answer; asking them again would only cost another wait.
std::set<std::string> silent_in(const system_view& view);

/// The sagas that nodes listed, each once.
std::vector<placed_saga> placed_sagas(const std::vector<wire::standing_sagas>& said);

/// How long a node has to answer: a reader that looks once a second must notice within 2 s that a
/// node was killed.
inline constexpr milliseconds reader_patience{800};

} // namespace troupe

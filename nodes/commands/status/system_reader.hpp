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

/// A saga, and the nodes that name it: one that stands still is named by each node of its
/// capability.
struct placed_saga {
  std::string capability;
  wire::standing_saga saga;
  std::vector<std::string> nodes;
};

/// A system as a person sees it who looks at it for a while: in a browser or in a terminal.
struct system_state {
  system_answers answers;
  std::vector<trouble> found;
  /// Sagas that stand still or run, in the order of their ids; and whether nodes have more than
  /// they named: those here are a part of them then.
  std::vector<placed_saga> sagas;
  bool has_more_standing = false;
  bool has_more_running = false;
  /// The dead letters, the oldest first; so many as are shown.
  std::vector<wire::letter> letters;
  /// Whether databases were asked this time; else what comes from them is of an earlier time.
  bool is_from_databases = false;
};

/// Asks a system how it is, again and again: brokers and nodes each time, and what nodes and the
/// broker read from databases every few seconds. Confined to one thread at a time.
class system_reader {
public:
  /// @param plan, time outlive this. @param file the topology, as the person wrote it.
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

/// The brokers and nodes that did not answer, and would only be waited for once more.
std::set<std::string> silent_in(const system_view& view);

/// The sagas that nodes told of, each once.
std::vector<placed_saga> placed_sagas(const std::vector<wire::standing_sagas>& said);

/// The time that a node has to answer: one that was killed is to be seen within 2 s, by whoever
/// looks once a second.
inline constexpr milliseconds reader_patience{800};

} // namespace troupe

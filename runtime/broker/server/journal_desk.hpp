#pragma once

#include "runtime/broker/events/journal_keeper.hpp"
#include "runtime/broker/server/broker_log.hpp"
#include "runtime/broker/server/drain.hpp"
#include "runtime/broker/server/login_desk.hpp"
#include "runtime/broker/server/server_options.hpp"
#include "runtime/broker/server/switchboard.hpp"
#include "runtime/wire/status.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace troupe::broker {

/// For a journal that brokers share: follows the `journal_keeper`, tells peers where the journal
/// is, and refuses requests that only the broker with the journal can answer.
///
/// Belongs to the server's thread. All constructor arguments outlive it.
class journal_desk {
public:
  journal_desk(
      const server_options& options,
      switchboard& calls,
      login_desk& peers,
      broker_log& log,
      const drain& draining)
      : options_{options}, calls_{calls}, peers_{peers}, log_{log}, drain_{draining} {}

  /// Shares the journal from now on. Before the loop runs.
  void share(journal_keeper& keeper, const clock& time);

  bool is_shared() const { return keeper_ != nullptr; }

  /// The refusal of a request to a broker that does not have the journal.
  error elsewhere() const;

  /// A worker sent a message about events that only the broker with the journal can use: it did not
  /// know yet that the journal moved, and repeats it to the next broker.
  void note_stray() { ++stray_; }

  /// The time at which `due` must be called next.
  instant next_due() const;
  void due(instant now);

  /// For `status`; nothing if the journal is not shared.
  std::optional<wire::journal_seat> seat() const;

private:
  void take_news(instant now);
  void begin(opened_journal opened, instant now);
  void give_up(std::string why, instant now);
  void tell_if_it_went_back(const journal_state& found, instant now);

  const server_options& options_;
  switchboard& calls_;
  login_desk& peers_;
  broker_log& log_;
  const drain& drain_;
  journal_keeper* keeper_ = nullptr;
  const clock* time_ = nullptr;
  lease_seen seen_;
  std::string trouble_;
  std::uint64_t stray_ = 0;
  instant beaten_{};

  /// The events that this broker had confirmed when it gave up the journal.
  struct {
    lineage lives;
    std::uint64_t last = 0;
  } confirmed_;
};

} // namespace troupe::broker

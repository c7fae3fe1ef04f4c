#pragma once

#include "runtime/worker/outbound_builder.hpp"
#include "runtime/worker/outbox_fit.hpp"
#include "runtime/worker/outbox_relay.hpp"
#include "runtime/worker/runner_store.hpp"
#include "runtime/worker/turn_output.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

/// Sends the events of the outbox to the journal's broker, and handles its answers. `outbox_relay`
/// decides which events leave; this class reads and sends them.
///
/// Confined to the thread of the runner that writes the store; borrows everything.
class relay_desk {
public:
  relay_desk(group& of, runner_store& store, outbound_builder& out)
      : group_{of}, store_{store}, out_{out} {}

  /// The broker logged us in or is gone (`journal_joined`, `journal_left`), has events in its
  /// journal (`confirmed`), or misses some (`resend`).
  void take(const item& what);

  /// The database was reconnected, and may have gone back: confirmations of this login are no
  /// proof any more. Nothing is sent or deleted until the next login has compared the outbox with
  /// the journal.
  /// @return the login's number; 0: there was none.
  std::uint32_t forget_login();

  /// Sends, from memory, the events that a turn has just committed.
  void committed(const turn_output& output);

  /// Whether `send_from_table` has events to send.
  bool has_more() const { return relay_.to_read(1).has_value(); }

  /// Sends some of the events that were not sent from memory, or that the broker requested.
  void send_from_table();

  /// Announces the outbox again if confirmations have been missing for long.
  void check_progress(instant now);

  /// The last event that is in the journal for certain; 0 while that is uncertain.
  store::outbox_mark confirmed() const {
    return is_proven_ && relay_.is_up() ? confirmed_ : store::outbox_mark{};
  }

private:
  void take_confirmed(const item& what);
  bool is_proven(const store::outbox_mark& taken, std::uint64_t digest_from);
  void refused(std::string why);
  void announce(std::optional<std::string> trouble = {});
  void compare(std::uint64_t newest);
  void failed(const store::database_error& fault);
  void stop(const std::string& trouble);
  void send(const store::outbox_view& event);

  group& group_;
  runner_store& store_;
  outbound_builder& out_;
  outbox_relay relay_;
  int link_ = 0;
  std::uint32_t login_ = 0;
  bool awaits_login_ = false; // The login that stands is void.
  // The highest mark that was confirmed to this process, over all logins.
  store::outbox_mark confirmed_;
  // The mark that a journal had confirmed before this login; read when the outbox is announced for
  // the first time in it.
  std::optional<store::outbox_mark> known_;
  bool is_proven_ = false; // The first CONFIRMED of this login fitted the outbox.
};

} // namespace troupe

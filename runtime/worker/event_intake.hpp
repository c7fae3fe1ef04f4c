#pragma once

#include "runtime/calls/journal_links.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/transport/peer_loop.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/worker/worker_groups.hpp"

#include <cstdint>
#include <string_view>

namespace troupe {

/// The events and orders from the broker that keeps the journal: queues them in their groups, in
/// order of arrival. Socket loop.
///
/// Drops messages for a group that is shut or not here, since it announced neither events nor an
/// outbox; and messages of other brokers.
class event_intake {
public:
  event_intake(transport::peer_loop& loop, worker_groups& groups, observe::event_log& log)
      : loop_{loop}, groups_{groups}, log_{log}, journal_{loop.links()} {}

  /// A broker accepted the login of `link`; the writers are told if it has the journal.
  void welcomed(int link, const wire::welcome& said) { follow(journal_.welcomed(link, said)); }

  /// The broker of `link` says that the journal has moved.
  void take_news(int link, std::string_view body);

  /// `link` is lost; the writers are told if it was the journal's.
  void lost(int link) { follow(journal_.lost(link)); }

  /// A database was reconnected, and may be older than the state agreed under this login: logs
  /// in again at the journal's broker, unless that has happened since.
  void renew_login(std::uint32_t login);

  void take_event(
      int link,
      const wire::header_view& header,
      std::string_view body,
      const transport::frame_ref& frame);

  /// ASSIGN, BURIED, CONFIRMED or RESEND.
  void
  take_order(int link, wire::kind kind, std::string_view body, const transport::frame_ref& frame);

private:
  void follow(bool is_moved);
  group* open_group(int link, std::string_view capability) const;
  item& add_order(group& to, item::kind what, std::uint32_t queue);
  void assign_by_queue(group& to, const wire::assign& order);

  transport::peer_loop& loop_;
  worker_groups& groups_;
  observe::event_log& log_;
  calls::journal_links journal_;
  int link_ = -1; // The link to the journal's broker, while it is up.
  std::uint32_t login_ = 0;
};

} // namespace troupe

#pragma once

#include "runtime/calls/pending_calls.hpp"
#include "runtime/transport/peer_loop.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/worker/group_runtime.hpp"
#include "runtime/worker/worker.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tsl/robin_map.h>
#include <vector>

namespace troupe {

/// What a worker does on its socket loop: calls go into queues, what runners finished goes out,
/// sagas' calls and timers are kept, brokers are told what changed. All on the loop's thread.
class worker_loop final : public transport::peer_handler {
public:
  worker_loop(
      transport::peer_loop& loop,
      const worker_options& options,
      worker_parts& parts,
      const std::vector<std::unique_ptr<group_runtime>>& groups);

  void request_drain() { drain_requested_ = true; }

  const worker_end& end() const { return end_; }

  wire::hello hello(int link) override;
  void welcomed(int link, const wire::welcome& welcome, instant now) override;
  void refused(int link, const error& why, instant now) override;
  void lost(int link, std::string_view why, instant now) override;
  void received(
      int link,
      std::string_view header,
      std::string_view body,
      const transport::frame_ref& frame,
      instant now) override;
  void frame_done(instant now) override;
  void commands(instant now) override;
  wire::pong progress(instant now) override;

  instant next_due() const override { return next_due_; }

  void due(instant now) override;

private:
  /// A call from a broker that is in hand here.
  struct slot {
    uuid id;
    int link = 0;
    bool used = false;
  };

  /// A call of one of our sagas.
  struct saga_call {
    std::size_t group = 0;
    uuid saga;
    std::uint64_t token = 0;
  };

  void take_call(
      int link,
      const wire::header_view& header,
      std::string_view body,
      const transport::frame_ref& frame,
      instant now);
  void refuse(int link, const uuid& id, const error& why);
  void refuse_shut(int link, const uuid& id, const group& of);
  void take_reply(
      const wire::header_view& header, std::string_view body, const transport::frame_ref& frame);
  void tell_saga(
      const saga_call& call, bool failed, std::string_view body, const transport::frame_ref& frame);
  void take_roster(int link, std::string_view body);
  // worker_loop_own.cpp
  void take_own_call(int link, const wire::header_view& header, std::string_view body, instant now);
  void force_breaker(int link, const wire::header_view& header, std::string_view body, instant now);
  outcome<group*> find_group(std::string_view capability) const;
  void answer(int link, const uuid& id, std::string_view body);
  // worker_loop_events.cpp
  void journal_up(int link);
  void journal_down(int link);
  void take_event(
      int link,
      const wire::header_view& header,
      std::string_view body,
      const transport::frame_ref& frame);
  void
  take_order(int link, wire::kind kind, std::string_view body, const transport::frame_ref& frame);
  bool is_shut(std::size_t group) const;
  void assign_by_lane(std::size_t group, int link, const wire::assign& order);
  void bury_in_all_lanes(std::size_t group, int link, const item& order);
  item& arriving_event(std::size_t group, int link);
  void carry_out(outbound& done, instant now);
  void make_call(std::size_t group, saga::outgoing::call& call, instant now);
  void send_calls(instant now);
  void expire_calls(instant now);
  void queue_due(instant now);
  void keep_house(instant now);
  void tell_state(std::size_t group, bool everything);
  void continue_drain(instant now);
  std::int64_t still_owed() const;
  std::string status_body(instant now) const;
  std::uint32_t take_slot(const uuid& id, int link);
  std::size_t index_of(const group* front) const;

  transport::peer_loop& loop_;
  const worker_options& options_;
  worker_parts& parts_;
  const std::vector<std::unique_ptr<group_runtime>>& groups_;
  const std::string own_name_;
  std::map<std::string, std::size_t, std::less<>> group_by_name_;

  std::vector<slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  // Calls of the frame at hand, by group, pushed together when it has been read.
  std::vector<std::vector<item>> arriving_;
  std::vector<std::size_t> arrived_;
  // What the journal's broker sent, likewise.
  std::vector<std::vector<item>> arriving_events_;
  std::vector<std::size_t> events_arrived_;
  // The link to the broker with the journal, while it is up, and the number of the login.
  int journal_link_ = -1;
  std::uint32_t journal_login_ = 0;
  std::vector<outbound> drained_;

  calls::pending_calls calls_;
  std::vector<saga_call> saga_calls_;
  std::vector<std::uint64_t> free_saga_calls_;
  std::vector<calls::pending_calls::ended> expired_;
  // Items to queue again, by the time when, each with its group.
  std::multimap<instant, std::pair<std::size_t, item>> later_;

  // Who each broker says is alive, while its link is up.
  std::map<int, wire::roster> rosters_;
  instant next_due_{};
  instant housekept_at_{};
  instant refused_since_{};
  std::atomic<bool> drain_requested_{false};
  instant drain_until_{};
  bool draining_ = false;
  std::uint64_t finished_ = 0;
  worker_end end_;
};

} // namespace troupe

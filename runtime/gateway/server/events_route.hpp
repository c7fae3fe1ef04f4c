#pragma once

#include "runtime/gateway/event_ring.hpp"
#include "runtime/gateway/event_text.hpp"
#include "runtime/gateway/server/call_desk.hpp"
#include "runtime/gateway/server/http_loop.hpp"
#include "runtime/gateway/server/route_handler.hpp"
#include "runtime/gateway/stream_places.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::gateway {

/// A route that streams events to clients: each published event of its topics after the position at
/// which a reader begins, once and in order, even if brokers die.
///
/// One query to the journal serves all readers that keep up; its newest results are in a ring. A
/// reader that is behind the ring, because it begins there or reads slowly, has queries of its own.
/// A stream ends when the token it began with is no longer valid: it has expired, or its key is
/// gone. Confined to the HTTP loop.
class events_route final : public route_handler {
public:
  /// The streams that one client (an address, or a /64 of IPv6) may have at once.
  static constexpr std::size_t streams_per_client_max = 64;
  /// Bytes of the newest events that are kept for all readers.
  static constexpr std::size_t ring_bytes_max = 4 * 1'024 * 1'024;

  events_route(
      std::vector<std::string> patterns,
      std::vector<event_type> known,
      call_desk& calls,
      http_loop& loop);

  void handle(route_request request, const http::responder& answers) override;
  void drain() override;

private:
  using number = std::uint64_t;

  struct reader {
    stream_places::place place;
    http::responder answers;
    /// Whether the token it came with is still valid; empty if none was required.
    std::function<bool()> still_holds{};
    /// The stream, once its beginning is known.
    std::optional<http::stream> to{};
    /// The position up to which it has everything. Absent: it begins at the end of the journal.
    std::optional<std::uint64_t> position{};
    /// Whether it accepts nothing until it reports that it has room.
    bool is_full = false;
    /// Whether it waits for the result of its own query.
    bool is_behind = false;
  };

  /// The state of the common query.
  enum class state : std::uint8_t { idle, beginning, following };

  void begin();
  void follow();
  void take_beginning(const outcome<wire::events_read>& answer);
  void take(const outcome<wire::events_read>& answer);
  wire::read_events question_behind(std::uint64_t position, milliseconds patience) const;
  void
  ask(const wire::read_events& question,
      std::function<void(const outcome<wire::events_read>&)> told);
  void again_soon(void (events_route::*step)());
  bool is_other_journal(const wire::events_read& answer) const;

  void open(number which);
  void refuse_unopened(const error& why);
  void restart_beyond(std::uint64_t last);
  std::vector<number> numbers() const;
  void serve_all();
  void serve(number which);
  void serve_behind(number which, std::uint64_t position);
  void take_behind(number which, const wire::events_read& answer);
  /// False if it accepts no more now, or is gone; then `which` may no longer be a reader.
  bool write(number which, const std::string& text);
  void restart(number which, std::string_view why);
  void show_life();

  const std::vector<std::string> patterns_;
  const std::vector<event_type> known_;
  call_desk& calls_;
  http_loop& loop_;
  stream_places places_{streams_per_client_max};
  std::map<number, reader> readers_;
  number last_number_ = 0;
  state state_ = state::idle;
  event_ring ring_{ring_bytes_max};
  /// The life of the journal that wrote the ring's head.
  uuid life_;
  bool shows_life_ = false;
  bool is_draining_ = false;
};

} // namespace troupe::gateway

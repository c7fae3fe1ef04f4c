#pragma once

#include "runtime/wire/envelope.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/worker/runner.hpp"
#include "tests/worker/things_actor.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::test {

using namespace std::chrono_literals;

/// A folder that is deleted with the test.
class temporary_folder {
public:
  temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder();

  std::string path;
};

/// The names of things in the order in which they were inserted, as either engine tells it.
std::string_view things_as_inserted();

/// The answer that a caller got.
struct got {
  wire::status status = wire::status::none;
  std::string body;
  error why;
};

/// An event as it left for the journal.
struct relayed {
  std::uint64_t seq = 0;
  uuid id;
  std::string topic;
  std::string key;
  std::string body;
  std::string trace;
};

/// One process of a capability, without CAF and sockets: its group and its one runner, run by hand.
///
/// Destroying it is the death of the process: whatever is in memory is lost.
class process {
public:
  process(
      const clock& time,
      std::string node,
      const actor_type& type,
      capability_options options,
      std::function<void(runner_store&)> change_store = {});
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  /// Starts every replica, or only one.
  void start();
  void start(int replica, std::uint64_t generation);

  uuid fresh_id() { return ids_.next(parts_.time.wall()); }

  /// Puts a call into the work queue; nothing runs.
  uuid send(std::string_view operation, std::string body, milliseconds within = 10s);
  void
  send(const uuid& id, std::string_view operation, std::string body, milliseconds within = 10s);

  void send(item&& one) { front->queues().push_internal(std::move(one)); }

  /// Puts a message of the journal's broker into the work queue; nothing runs.
  void assign(
      std::uint64_t epoch,
      const std::vector<wire::progress>& partitions,
      const uuid& journal = {.bytes = {std::byte{7}}},
      std::optional<std::vector<journal_life>> lives = {},
      std::optional<std::vector<wire::remembered_partition>> remembered = {});
  /// Assigns all 64 partitions, from the beginning.
  void assign_all(std::uint64_t epoch, const uuid& journal = {.bytes = {std::byte{7}}});
  void deliver(
      std::uint64_t position,
      std::string_view key,
      const thing& body,
      std::string_view topic = "thing.put");
  void add_dead_letters(const std::vector<std::uint64_t>& positions);
  void journal_joined();
  /// The login is renewed, as the runner wanted.
  void log_in_again();
  void confirm(std::uint64_t up_to, std::string refused = {}, std::optional<uuid> id = {});
  void resend(std::uint64_t from, std::uint64_t to);
  /// Puts the items of `later` back into the work queue, as the worker does in time.
  void come_back();

  /// Tells the runner who is alive, as a broker's roster does.
  void keep_house(const std::vector<uuid>& alive, milliseconds good_for = 1s);

  /// Runs one turn. @return whether there may be more to do.
  bool run_once();
  /// Runs turns until the runner has nothing more to do.
  void run();
  /// Runs turns, waiting for effects, until `done`; fails after ten seconds.
  void run_until(const std::function<bool()>& done);

  /// Sends one call and runs.
  template <wire::message Request>
  got call(std::string_view operation, const Request& request) {
    const uuid id = send(operation, wire::encoded(request));
    run();
    return replies[id];
  }

  template <wire::message Request>
  got call(const uuid& id, std::string_view operation, const Request& request) {
    replies.erase(id);
    send(id, operation, wire::encoded(request));
    run();
    return replies[id];
  }

  std::int64_t number(std::string_view sql);

  /// Sets how instances that are made from now on call other capabilities.
  void answer_calls(ask_capability ask) { parts_.ask = std::move(ask); }

  /// Sets the most bytes of an answer, from now on.
  void limit_bodies(std::size_t bytes) { parts_.body_bytes_max = bytes; }

  const uuid incarnation;
  std::unique_ptr<group> front;
  std::unique_ptr<troupe::runner> runner;
  runner_store* store = nullptr;

  // The results so far.
  std::map<uuid, got> replies;
  std::vector<uuid> answered_in_order;
  std::vector<saga::outgoing::call> calls;
  std::vector<outbound::delayed> later;
  std::vector<wire::assigned> assigned;
  std::vector<wire::handled> handled;
  std::vector<wire::outbox_state> announced;
  std::vector<relayed> relays;
  std::size_t frame_bytes_max = 0;
  /// The number of the login at the journal's broker.
  std::uint32_t login = 1;
  /// Those that the runner wants to have renewed.
  std::vector<std::uint32_t> void_logins;
  std::vector<supervision::group_event> events;

private:
  void send_order(item::kind what, std::string body);
  void take_output();
  void take_reply(const wire::header_view& header, std::string_view body);
  void take_frame(const std::string& frame);

  uuid_source ids_;
  observe::event_log log_;
  transport::loop_inlet<outbound> inlet_;
  worker_parts parts_;
  capability_options options_;
  actor_type type_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool awake_ = false;
};

template <class Event>
std::vector<Event> all_of(const std::vector<supervision::group_event>& events) {
  std::vector<Event> found;
  for (const supervision::group_event& each : events) {
    if (const auto* it = std::get_if<Event>(&each)) {
      found.push_back(*it);
    }
  }
  return found;
}

/// A capability `things` with a database in `folder`.
capability_options things_options(const temporary_folder& folder, int replicas = 1);

} // namespace troupe::test

namespace troupe {

inline std::ostream& operator<<(std::ostream& out, errc code) {
  return out << name_of(code);
}

inline std::ostream& operator<<(std::ostream& out, const uuid& id) {
  return out << to_string(id);
}

namespace wire {

inline std::ostream& operator<<(std::ostream& out, status how) {
  return out << static_cast<int>(how);
}

} // namespace wire

} // namespace troupe

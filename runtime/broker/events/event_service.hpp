#pragma once

#include "runtime/broker/events/bus.hpp"
#include "runtime/broker/events/due_alarm.hpp"
#include "runtime/broker/journal/journal.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::broker {

/// What the event service needs of the server it is part of.
class event_links {
public:
  event_links() = default;
  event_links(const event_links&) = delete;
  event_links& operator=(const event_links&) = delete;
  virtual ~event_links() = default;

  virtual void pass_answer(origin to, std::string_view header, std::string_view body) = 0;
  virtual void pass_refusal(origin to, const uuid& id, const error& why) = 0;
  virtual void pass_message(login_id to, std::string_view header, std::string_view body) = 0;
  virtual void keep_free(login_id whom, bool is_kept_free, instant now) = 0;
  virtual bool is_idle(login_id whom) const = 0;
  virtual void report(log_event event, instant now) = 0;
};

struct event_service_options {
  std::unique_ptr<journal> kept;
  bus_options bus;
  std::vector<retention_rule> rules;
  std::size_t body_bytes_max = 1U << 20U;
};

/// The shell around the bus, in the broker that keeps the journal: carries out what the bus
/// decides, has the journal's threads write and read, and answers `troupe.publish` and
/// `troupe.events`. Confined to the thread of its server.
class event_service {
public:
  event_service(
      const clock& time,
      event_links& links,
      event_service_options options,
      const journal_state& state);

  void publish(origin from, const wire::header_view& header, std::string_view body, instant now);
  /// A call to `troupe.events`.
  void call(origin from, const wire::header_view& header, std::string_view body, instant now);
  /// OUTBOX, RELAY, ASSIGNED or HANDLED, from a worker that is logged in.
  /// @errors `invalid`: the body is not what it should be; nothing happened.
  outcome<void>
  worker_said(login_id from, const wire::header_view& header, std::string_view body, instant now);

  void joined(login_id login, const wire::hello& hello, instant now);
  void left(login_id login, bool is_blamed, instant now);
  void state(login_id login, const wire::state& state, instant now);

  /// When `due` wants to be called next.
  instant next_due(instant tick_at) const;
  void due(instant now);
  void tick(instant now);

  /// What waits for the disk.
  std::size_t pending() const { return bus_.pending(); }

private:
  using then = std::function<void(const outcome<journal_result>& result, instant now)>;

  /// A `read` that waits for something to come.
  struct reader {
    origin from;
    uuid id;
    wire::read_events what;
    std::uint64_t after = 0;
    instant until;
    bool is_asking = false;
  };

  /// How many events of a topic were written, over the last minute.
  struct topic_rate {
    static constexpr std::int64_t buckets = 6;
    std::array<std::uint64_t, buckets> counts{};
    std::int64_t newest = 0; // Of `bucket_ms` each, since 1970: that of `counts[newest % buckets]`.

    void note(std::int64_t bucket);
    double per_s(std::int64_t bucket, double seconds) const;
  };

  static constexpr std::int64_t bucket_ms = 10'000;

  void carry_out(instant now);
  void carry_out(const of_group& what, instant now);
  void read_for(const read_for_group& what, instant now);
  void fetch_for(std::uint32_t group, const std::vector<std::uint64_t>& positions, instant now);
  template <class Message>
  void send(login_id to, wire::kind kind, const Message& message);
  void reply(origin to, const uuid& id, std::string_view body);
  /// Asks the journal; `go_on` gets the answer, or why there is none.
  void ask(journal_question question, instant now, then go_on);
  void take(const journal_answer& answer, instant now);
  void begin_isolation(instant now);
  void write_if_wanted(instant now);
  void written(const outcome<journal_result>& how, instant now);
  void publish_due(instant now);
  void sweep(instant now);
  std::int64_t wall_ms() const;

  // event_service_calls.cpp
  template <class Request, class Handler>
  void decoded(origin from, const uuid& id, std::string_view body, const Handler& handler);
  void read(origin from, const uuid& id, wire::read_events what, std::uint32_t ttl, instant now);
  void begin_reader(reader made, instant now);
  void read_on(std::uint64_t number, instant now);
  void answer_reader(std::uint64_t number, const events_page& page);
  void wake_readers(instant now);
  void end_late_readers(instant now);
  void schedule(origin from, const uuid& id, const wire::schedule_event& what);
  /// Runs `change`, which retries or drops letters and says so with `letters_changed`, when none is
  /// under way: what it reads of them is then how they are.
  void
  change_letters(origin from, const uuid& id, std::function<void(instant)> change, instant now);
  template <class Change>
  void
  change_letter(origin from, const uuid& id, const uuid& which, const Change& change, instant now);
  void begin_change(instant now);
  void letters_changed(instant now);
  void list_letters(origin from, const uuid& id, const wire::get_dead_letters& what, instant now);
  void show_letter(origin from, const uuid& id, const uuid& which, instant now);
  void retry_letters(origin from, const uuid& id, const wire::retry_dead_letter& what, instant now);
  void retry_page(
      origin from,
      const uuid& id,
      const std::string& capability,
      std::optional<uuid> after,
      std::uint64_t so_far,
      instant now);
  void drop_letter(origin from, const uuid& id, const uuid& which, instant now);
  struct topics_answer;
  void list_topics(origin from, const uuid& id, const wire::get_topics& what, instant now);
  wire::group_state describe_group(std::uint32_t index) const;
  void add_topics(
      wire::topics_state& to,
      const topics_counted& counted,
      const std::string& after,
      instant now) const;

  const clock& time_;
  event_links& links_;
  bus bus_;
  std::unique_ptr<journal> journal_;
  std::vector<retention_rule> rules_;
  std::size_t body_bytes_max_;
  bus_decisions decided_;
  bus_decisions spare_;
  std::vector<event_ref> fresh_; // What was just written, while somebody waits to read it.
  std::vector<std::pair<std::uint32_t, std::vector<std::uint64_t>>> refetch_;
  std::vector<journal_answer> answers_;
  std::uint64_t tokens_ = 0;
  std::unordered_map<std::uint64_t, then> asked_;
  std::unordered_map<std::uint64_t, reader> readers_;
  std::unordered_map<std::string, topic_rate> rates_;
  due_alarm due_;
  std::deque<std::function<void(instant)>> changes_; // Of dead letters; those that wait.
  bool is_changing_ = false;
  std::optional<error> write_failed_; // Why, if the last one did.
  bool is_sweeping_ = false;
  instant swept_at_{};
  instant started_{};
  std::string header_;
  std::string body_;
};

} // namespace troupe::broker

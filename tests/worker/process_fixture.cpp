#include "tests/worker/process_fixture.hpp"

#include "runtime/wire/batch.hpp"
#include "runtime/wire/envelope.hpp"
#include "tests/store/engine.hpp"

#include <atomic>
#include <cstdlib>

namespace troupe::test {

namespace {

// Ids must differ between the processes of a test, which share a clock that stands still.
std::uint64_t next_seed() {
  static std::atomic<std::uint64_t> seed{1};
  return seed++;
}

const uuid incarnation_of_events{.bytes = {std::byte{1}, std::byte{2}}};

} // namespace

temporary_folder::temporary_folder() {
  auto pattern = (std::filesystem::temp_directory_path() / "troupe-actor-XXXXXX").string();
  BOOST_REQUIRE(mkdtemp(pattern.data()) != nullptr);
  path = pattern;
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

std::string_view things_as_inserted() {
  return store::is_on_postgres() ? "SELECT name FROM things ORDER BY ctid"
                                 : "SELECT name FROM things ORDER BY rowid";
}

capability_options things_options(const temporary_folder& folder, int replicas) {
  capability_options options;
  options.name = "things";
  options.actor = "things";
  for (int i = 0; i < replicas; ++i) {
    options.replicas.push_back(i);
  }
  options.database = store::place_of(folder.path + "/things.db");
  options.effect_threads = 2;
  options.subscribes = {"thing.*"};
  options.retry.attempts = 3;
  return options;
}

process::process(
    const clock& time,
    std::string node,
    const actor_type& type,
    capability_options options,
    std::function<void(runner_store&)> change_store)
    : incarnation{uuid_source{next_seed()}.next(time.wall())}, ids_{next_seed()},
      log_{time, node, observe::log_format::text}, inlet_{64},
      parts_{time, log_, inlet_, std::move(node), incarnation, ".", 1},
      options_{std::move(options)}, type_{type} {
  front = std::make_unique<group>(options_, type_, parts_);
  std::unique_ptr<runner_store> opened;
  if (options_.database) {
    auto made = runner_store::open(*front);
    BOOST_REQUIRE_MESSAGE(made, (made ? "" : made.error().message));
    opened = std::move(*made);
    store = opened.get();
    if (change_store) {
      change_store(*opened);
    }
  }
  runner = std::make_unique<troupe::runner>(
      *front, front->queues().all()[0], options_.replicas, std::move(opened));
  runner->on_event([this](supervision::group_event event) { events.push_back(std::move(event)); });
  front->queues().all()[0].on_wake([this] {
    const std::lock_guard lock{mutex_};
    awake_ = true;
    woken_.notify_all();
  });
}

process::~process() {
  runner.reset();
}

void process::start() {
  for (const int each : options_.replicas) {
    start(each, 1);
  }
}

void process::start(int replica, std::uint64_t generation) {
  runner->start(static_cast<supervision::child_id>(replica), generation);
}

uuid process::send(std::string_view operation, std::string body, milliseconds within) {
  const uuid id = fresh_id();
  send(id, operation, std::move(body), within);
  return id;
}

void process::send(
    const uuid& id, std::string_view operation, std::string body, milliseconds within) {
  item call;
  call.id = id;
  call.slot = 0;
  call.deadline = parts_.time.now() + within;
  call.own_body(std::move(body));
  call.operation = operation;
  call.token = wire::digest_of_request(call.operation, call.body);
  front->queues().add_call({}) = std::move(call);
  front->queues().push_added();
}

void process::keep_house(const std::vector<uuid>& alive, milliseconds good_for) {
  wire::roster roster;
  for (const uuid& each : alive) {
    roster.workers.push_back({"n", each});
  }
  item house{.what = item::kind::housekeeping};
  house.deadline = parts_.time.now() + good_for;
  house.own_body(wire::encoded(roster));
  send(std::move(house));
}

void process::run() {
  {
    const std::lock_guard lock{mutex_};
    awake_ = false;
  }
  while (run_once()) {
  }
}

bool process::run_once() {
  const bool has_more = runner->run();
  take_output();
  return has_more;
}

void process::run_until(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  for (;;) {
    run();
    if (done()) {
      return;
    }
    std::unique_lock lock{mutex_};
    if (!woken_.wait_until(lock, deadline, [&] { return awake_; })) {
      BOOST_FAIL("nothing happened for ten seconds");
    }
  }
}

std::int64_t process::number(std::string_view sql) {
  return store->database->integer_of(sql).value_or(-1);
}

void process::take_output() {
  std::vector<outbound> taken;
  inlet_.take_all(taken);
  for (outbound& each : taken) {
    front->queues().ended(static_cast<std::int64_t>(each.slots.size()), each.events);
    if (each.effects != 0) {
      front->effects()->told(each.effects);
    }
    if (each.void_login != 0) {
      void_logins.push_back(each.void_login);
    }
    for (const outbound::frame& frame : each.replies) {
      take_frame(frame.bytes);
    }
    for (const std::string& frame : each.everywhere) {
      take_frame(frame);
    }
    std::move(each.calls.begin(), each.calls.end(), std::back_inserter(calls));
    for (outbound::delayed& waiting : each.later) {
      if (waiting.what.what != item::kind::saga_timer) { // No test waits for a saga's deadline.
        later.push_back(std::move(waiting));
      }
    }
  }
}

void process::take_frame(const std::string& frame) {
  frame_bytes_max = std::max(frame_bytes_max, frame.size());
  wire::batch_reader reader{frame};
  wire::envelope_view each;
  while (reader.next(each)) {
    const auto header = wire::scan_header(each.header);
    BOOST_REQUIRE(header.has_value());
    switch (header->kind) {
    case wire::kind::assigned:
      assigned.push_back(wire::checked_decode<wire::assigned>(each.body).value());
      break;
    case wire::kind::handled:
      handled.push_back(wire::checked_decode<wire::handled>(each.body).value());
      break;
    case wire::kind::outbox:
      announced.push_back(wire::checked_decode<wire::outbox_state>(each.body).value());
      break;
    case wire::kind::relay:
      relays.push_back(
          {header->seq,
           header->id,
           std::string{header->op},
           std::string{header->key},
           std::string{each.body},
           std::string{header->traceparent}});
      break;
    default:
      take_reply(*header, each.body);
    }
  }
}

void process::take_reply(const wire::header_view& header, std::string_view body) {
  got& reply = replies[header.id];
  reply = {header.status, std::string{body}, {}};
  if (header.status == wire::status::error) {
    reply.why = wire::read_error(header.error).value_or(error{});
  }
  answered_in_order.push_back(header.id);
}

void process::send_order(item::kind what, std::string body) {
  item order{.what = what};
  order.login = login;
  order.own_body(std::move(body));
  front->queues().add_order(0) = std::move(order);
  front->queues().push_added();
}

void process::assign(
    std::uint64_t epoch,
    const std::vector<wire::progress>& partitions,
    const uuid& journal,
    std::optional<std::vector<journal_life>> lives) {
  send_order(
      item::kind::assignment,
      wire::encoded(wire::assign{front->name(), journal, epoch, partitions, std::move(lives)}));
}

void process::assign_all(std::uint64_t epoch, const uuid& journal) {
  std::vector<wire::progress> all;
  for (std::uint32_t i = 0; i < wire::partition_count; ++i) {
    all.push_back({i, 0});
  }
  assign(epoch, all, journal);
}

void process::deliver(
    std::uint64_t position, std::string_view key, const thing& body, std::string_view topic) {
  // The id follows from the position, so that it is the same at every delivery.
  item event{.what = item::kind::event};
  event.id = derived_id(incarnation_of_events, std::to_string(position));
  event.token = position;
  event.login = login;
  event.partition = wire::partition_of(key, event.id);
  std::string bytes{topic};
  bytes += key;
  wire::encode(bytes, body);
  event.own_body(std::move(bytes));
  event.operation = event.body.substr(0, topic.size());
  event.key = event.body.substr(topic.size(), key.size());
  event.body.remove_prefix(topic.size() + key.size());
  front->queues().add_event(event.partition) = std::move(event);
  front->queues().push_added();
}

void process::add_dead_letters(const std::vector<std::uint64_t>& positions) {
  send_order(item::kind::dead_letters, wire::encoded(wire::buried{front->name(), positions}));
}

void process::journal_joined() {
  send_order(item::kind::journal_joined, {});
}

void process::log_in_again() {
  send_order(item::kind::journal_left, {});
  ++login;
  journal_joined();
}

void process::confirm(std::uint64_t up_to, std::string refused, std::optional<uuid> id) {
  send_order(
      item::kind::confirmed,
      wire::encoded(wire::confirmed{front->name(), up_to, std::move(refused), id, {}}));
}

void process::resend(std::uint64_t from, std::uint64_t to) {
  send_order(item::kind::resend, wire::encoded(wire::resend{front->name(), from, to}));
}

void process::come_back() {
  for (outbound::delayed& each : std::exchange(later, {})) {
    send(std::move(each.what));
  }
}

} // namespace troupe::test

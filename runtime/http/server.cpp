#include "runtime/http/server.hpp"

#include "runtime/http/admission.hpp"
#include "runtime/http/byte_stream.hpp"
#include "runtime/http/connection.hpp"
#include "runtime/http/loop_mailbox.hpp"
#include "runtime/http/tls_context.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <charconv>
#include <climits>
#include <condition_variable>
#include <fmt/format.h>
#include <iterator>
#include <limits>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <sys/resource.h>
#include <thread>
#include <unordered_set>
#include <utility>

namespace troupe::http {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

/// Pause after a failed accept, for lack of file descriptors or memory.
constexpr milliseconds accept_pause{100};
/// The wait suggested to a client refused by a connection limit.
constexpr milliseconds retry_usual{1'000};

std::optional<tcp::endpoint> read_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, bad] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (bad != std::errc{} || end != port_text.data() + port_text.size()) {
    return std::nullopt;
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  error_code why;
  const auto address = asio::ip::make_address(std::string{host}, why);
  return why ? std::nullopt : std::optional{tcp::endpoint{address, port}};
}

std::string text_of(const tcp::endpoint& where) {
  const std::string host = where.address().to_string();
  return where.address().is_v6() ? fmt::format("[{}]:{}", host, where.port())
                                 : fmt::format("{}:{}", host, where.port());
}

/// Connections whose descriptor has this number or a higher one are refused.
int first_refused_file(const connection_limits& most) {
  ::rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) {
    return std::numeric_limits<int>::max();
  }
  const auto limit = static_cast<std::int64_t>(files.rlim_cur);
  const auto reserved = static_cast<std::int64_t>(most.files_reserved);
  return static_cast<int>(std::clamp<std::int64_t>(limit - reserved, 0, INT_MAX));
}

} // namespace

/// Everything except `counts`, `mailbox` and the members guarded by `mutex` belongs to the server's
/// thread.
struct server::state {
  state(const server_options& options, request_handler handler, fault_listener faults)
      : mailbox{std::make_shared<loop_mailbox>(loop)}, admitted{options.connections},
        refused_from{first_refused_file(options.connections)},
        host{
            options,
            std::move(handler),
            std::move(faults),
            mailbox,
            counts,
            [this](connection& which) { forget(which); },
            body_room{options.connections.bodies_bytes_max}} {}

  outcome<void> listen();
  void accept();
  void take(tcp::socket socket);
  void refuse(tcp::socket socket, peer_address peer, std::string why);
  void forget(connection& which);
  void stop_accepting();
  void cut_all();
  /// Makes the loop end after the last connection, and waits for it.
  void finish();

  asio::io_context loop{1};
  shared_counts counts;
  std::shared_ptr<loop_mailbox> mailbox;
  tcp::acceptor acceptor{loop};
  asio::steady_timer pause{loop};
  /// Timers of `post_after`.
  std::list<asio::steady_timer> alarms;
  std::shared_ptr<asio::ssl::context> tls;
  admission admitted;
  int refused_from;
  std::size_t refusals = 0;
  /// All connections are cut and no new one is accepted.
  bool is_ending = false;
  connection_host host;
  std::unordered_set<std::shared_ptr<connection>> connections;
  /// The members of `connections` that are being refused; they count towards no limit.
  std::unordered_set<const connection*> being_refused;
  std::string address;

  std::mutex mutex;
  std::condition_variable changed;
  bool is_empty = false;

  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
  std::thread thread;
};

outcome<void> server::state::listen() {
  const auto where = read_address(host.options.address);
  if (!where) {
    return failure{invalid(
        fmt::format("`{}` is no ADDRESS:PORT, such as 127.0.0.1:9101", host.options.address))};
  }
  const auto fail = [&](const error_code& why) {
    return failure{error{
        .code = errc::unavailable,
        .message = fmt::format("cannot listen on {}: {}", host.options.address, why.message())}};
  };
  error_code why;
  acceptor.open(where->protocol(), why);
  if (why) {
    return fail(why);
  }
  acceptor.set_option(tcp::acceptor::reuse_address{true}, why);
  if (where->address().is_v6()) {
    acceptor.set_option(asio::ip::v6_only{true}, why);
  }
  acceptor.bind(*where, why);
  if (!why) {
    acceptor.listen(asio::socket_base::max_listen_connections, why);
  }
  if (why) {
    return fail(why);
  }
  address = text_of(acceptor.local_endpoint());
  return {};
}

void server::state::accept() {
  acceptor.async_accept([this](error_code why, tcp::socket socket) {
    if (!why && !is_ending) {
      take(std::move(socket)); // May have been accepted just before the acceptor was closed.
    }
    if (!acceptor.is_open()) {
      return;
    }
    if (!why) {
      accept();
      return;
    }
    counts.accepts_failed.add();
    if (why == asio::error::connection_aborted) {
      accept();
      return;
    }
    // An immediate retry would fail again, in a busy loop.
    pause.expires_after(accept_pause);
    pause.async_wait([this](error_code ended) {
      if (!ended && acceptor.is_open()) {
        accept();
      }
    });
  });
}

void server::state::take(tcp::socket socket) {
  error_code why;
  const auto where = socket.remote_endpoint(why);
  if (why) {
    return; // The peer has already disconnected.
  }
  socket.set_option(tcp::no_delay{true}, why);
  peer_address peer{where.address().to_string(), where.port(), tls != nullptr};
  // The kernel assigns the lowest free descriptor, so its number tells how many files are open.
  if (socket.native_handle() >= refused_from) {
    refuse(std::move(socket), std::move(peer), "the server has too many files open");
    return;
  }
  switch (admitted.enter(peer.host)) {
  case admission::answer::too_many:
    refuse(std::move(socket), std::move(peer), "the server has too many connections");
    return;
  case admission::answer::too_many_of_address:
    refuse(std::move(socket), std::move(peer), "your address has too many connections");
    return;
  case admission::answer::admitted:
    break;
  }
  counts.accepted.add();
  auto made = std::make_shared<connection>(
      tls ? tls_stream(std::move(socket), tls) : plain_stream(std::move(socket)),
      loop.get_executor(),
      std::move(peer),
      host);
  connections.insert(made);
  made->start();
}

void server::state::refuse(tcp::socket socket, peer_address peer, std::string why) {
  counts.refused.add();
  if (tls != nullptr || refusals >= host.options.connections.refusals) {
    return; // Closes the socket: over TLS, an answer would cost a handshake.
  }
  auto made = std::make_shared<connection>(
      plain_stream(std::move(socket)), loop.get_executor(), std::move(peer), host);
  being_refused.insert(made.get());
  connections.insert(made);
  ++refusals;
  made->start_refused(
      {503,
       "too_many_connections",
       why + ": try again later",
       {},
       {{"retry_after_ms", retry_usual.count()}}});
}

void server::state::forget(connection& which) {
  if (being_refused.erase(&which) > 0) {
    --refusals;
  } else {
    admitted.leave(which.peer().host);
    counts.ended.add();
  }
  connections.erase(which.shared_from_this());
  if (connections.empty() && host.is_draining) {
    const std::lock_guard lock{mutex};
    is_empty = true;
    changed.notify_all();
  }
}

void server::state::stop_accepting() {
  host.is_draining = true;
  // Accept the connections still in the kernel's queue; closing the acceptor would reset them.
  error_code why;
  acceptor.non_blocking(true, why);
  for (int left = asio::socket_base::max_listen_connections; left > 0 && !why; --left) {
    tcp::socket waiting = acceptor.accept(why);
    if (!why) {
      take(std::move(waiting));
    }
  }
  acceptor.close(why);
  pause.cancel();
  const auto now = connections; // A copy, since connections leave the set as they end.
  for (const auto& each : now) {
    each->drain();
  }
  if (connections.empty()) {
    const std::lock_guard lock{mutex};
    is_empty = true;
    changed.notify_all();
  }
}

void server::state::cut_all() {
  const auto now = connections;
  for (const auto& each : now) {
    each->cut();
  }
  for (asio::steady_timer& each : alarms) {
    each.cancel();
  }
}

void server::state::finish() {
  if (!thread.joinable()) {
    return;
  }
  mailbox->post([this] {
    is_ending = true;
    stop_accepting();
    cut_all();
    work.reset();
  });
  thread.join();
  mailbox->close();
}

outcome<std::unique_ptr<server>>
server::start(const server_options& options, request_handler handler, fault_listener faults) {
  auto made = std::make_unique<state>(options, std::move(handler), std::move(faults));
  if (options.tls) {
    TROUPE_TRY(made->tls, load_tls(*options.tls));
  }
  TROUPE_CHECK(made->listen());
  made->work.emplace(made->loop.get_executor());
  made->accept();
  made->thread = std::thread{[&loop = made->loop] { loop.run(); }};
  return std::unique_ptr<server>{new server{std::move(made)}};
}

server::server(std::unique_ptr<state> made) : state_{std::move(made)} {
}

server::~server() {
  state_->finish();
}

std::string server::address() const {
  return state_->address;
}

outcome<void> server::reload_certificates() {
  if (!state_->host.options.tls) {
    return failure{invalid("this server speaks plain HTTP: it has no certificate")};
  }
  TROUPE_TRY(auto loaded, load_tls(*state_->host.options.tls));
  state_->mailbox->post([self = state_.get(), fresh = std::move(loaded)] { self->tls = fresh; });
  return {};
}

bool server::drain(milliseconds within) {
  state_->mailbox->post([self = state_.get()] { self->stop_accepting(); });
  bool all_ended = false;
  {
    std::unique_lock lock{state_->mutex};
    all_ended = state_->changed.wait_for(lock, within, [this] { return state_->is_empty; });
  }
  state_->finish();
  return all_ended;
}

void server::post(std::function<void()> task) {
  state_->mailbox->post(std::move(task));
}

void server::post_after(milliseconds time, std::function<void()> task) {
  state_->mailbox->post([self = state_.get(), time, task = std::move(task)] {
    auto& alarm = self->alarms.emplace_back(self->loop, time);
    alarm.async_wait([self, which = std::prev(self->alarms.end()), task](error_code ended) {
      if (!ended) {
        task();
      }
      self->alarms.erase(which);
    });
  });
}

server_counts server::counts() const {
  return state_->counts.read();
}

} // namespace troupe::http

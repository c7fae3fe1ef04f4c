#include "tests/bench/zmq_reference.hpp"

#include "tests/bench/bodies.hpp"

#include <zmq.hpp>

#include <array>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe::bench {

namespace {

constexpr int messages_per_side = 64;

/// Pairs of CURVE, of the broker and of whoever connects; empty without.
struct links {
  struct pair {
    std::array<char, 41> open{};
    std::array<char, 41> secret{};
  };

  bool has_curve = false;
  pair broker{};
  pair peer{};
};

links make_links(bool has_curve) {
  links made{.has_curve = has_curve};
  for (links::pair* each : {&made.broker, &made.peer}) {
    if (has_curve && zmq_curve_keypair(each->open.data(), each->secret.data()) != 0) {
      throw std::runtime_error{"libzmq has no CURVE"};
    }
  }
  return made;
}

void prepare(zmq::socket_t& socket, const links& how, bool is_broker) {
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::linger, 0);
  if (how.has_curve && is_broker) {
    socket.set(zmq::sockopt::curve_server, true);
    socket.set(zmq::sockopt::curve_secretkey, how.broker.secret.data());
  } else if (how.has_curve) {
    socket.set(zmq::sockopt::curve_serverkey, how.broker.open.data());
    socket.set(zmq::sockopt::curve_publickey, how.peer.open.data());
    socket.set(zmq::sockopt::curve_secretkey, how.peer.secret.data());
  }
}

/// Where the reference broker listens, as it tells its children through a pipe.
struct endpoints {
  std::array<char, 64> clients{};
  std::array<char, 64> workers{};
};

bool receive(zmq::socket_t& from, zmq::message_t& frame, zmq::recv_flags how) {
  return from.recv(frame, how).has_value();
}

/// Passes the rest of a message on whose first frame was just received into `frame`.
void pass_on(zmq::socket_t& from, zmq::socket_t& to, zmq::message_t& frame) {
  for (;;) {
    const bool more = frame.more();
    (void)to.send(frame, more ? zmq::send_flags::sndmore : zmq::send_flags::none);
    if (!more) {
      return;
    }
    (void)receive(from, frame, zmq::recv_flags::none);
  }
}

void answer_clients(zmq::socket_t& workers, zmq::socket_t& clients) {
  zmq::message_t frame;
  for (int i = 0; i < messages_per_side && receive(workers, frame, zmq::recv_flags::dontwait);
       ++i) {
    (void)receive(workers, frame, zmq::recv_flags::none); // In place of the worker's routing id.
    pass_on(workers, clients, frame);
  }
}

void ask_worker(zmq::socket_t& clients, zmq::socket_t& workers, const zmq::message_t& worker) {
  zmq::message_t frame;
  for (int i = 0; i < messages_per_side && receive(clients, frame, zmq::recv_flags::dontwait);
       ++i) {
    zmq::message_t routing{worker.data(), worker.size()};
    (void)workers.send(routing, zmq::send_flags::sndmore);
    pass_on(clients, workers, frame);
  }
}

void route(zmq::socket_t& clients, zmq::socket_t& workers) {
  zmq::message_t worker;
  zmq::message_t greeting;
  (void)receive(workers, worker, zmq::recv_flags::none);
  (void)receive(workers, greeting, zmq::recv_flags::none);
  std::array<zmq::pollitem_t, 2> watched{
      {{clients.handle(), 0, ZMQ_POLLIN, 0}, {workers.handle(), 0, ZMQ_POLLIN, 0}}};
  for (;;) {
    (void)zmq::poll(watched.data(), watched.size(), std::chrono::milliseconds{-1});
    answer_clients(workers, clients);
    ask_worker(clients, workers, worker);
  }
}

void run_broker(reference kind, const links& how, int tell) {
  zmq::context_t context{1};
  zmq::socket_t clients{context, zmq::socket_type::router};
  const bool by_hand = kind == reference::router;
  zmq::socket_t workers{context, by_hand ? zmq::socket_type::router : zmq::socket_type::dealer};
  endpoints bound;
  for (zmq::socket_t* each : {&clients, &workers}) {
    prepare(*each, how, true);
    each->bind("tcp://127.0.0.1:*");
    const std::string endpoint = each->get(zmq::sockopt::last_endpoint);
    auto& to = each == &clients ? bound.clients : bound.workers;
    std::memcpy(to.data(), endpoint.data(), std::min(endpoint.size(), to.size() - 1));
  }
  if (write(tell, &bound, sizeof bound) != static_cast<ssize_t>(sizeof bound)) {
    return;
  }
  if (by_hand) {
    route(clients, workers);
  } else {
    zmq::proxy(clients, workers);
  }
}

void run_worker(reference kind, const links& how, const endpoints& where) {
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::dealer};
  prepare(socket, how, false);
  socket.connect(where.workers.data());
  if (kind == reference::router) {
    (void)socket.send(zmq::str_buffer("ready"), zmq::send_flags::none);
  }
  zmq::message_t frame;
  for (;;) {
    (void)receive(socket, frame, zmq::recv_flags::none);
    pass_on(socket, socket, frame);
  }
}

/// A process of its own for `body`, killed with its owner.
class child {
public:
  template <class Body>
  explicit child(Body body) : pid_{fork()} {
    if (pid_ == 0) {
      (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
      body();
      _exit(1);
    }
    if (pid_ < 0) {
      throw std::runtime_error{"cannot fork"};
    }
  }

  ~child() {
    (void)kill(pid_, SIGKILL);
    (void)waitpid(pid_, nullptr, 0);
  }

  child(const child&) = delete;
  child& operator=(const child&) = delete;

private:
  pid_t pid_;
};

figure ask(const endpoints& where, const links& how, const load_options& options) {
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::dealer};
  prepare(socket, how, false);
  socket.connect(where.clients.data());
  std::array<char, body_bytes> body{};
  const auto send = [&](instant now) {
    std::memcpy(body.data(), &now, sizeof now);
    (void)socket.send(zmq::buffer(body), zmq::send_flags::none);
  };
  zmq::message_t reply;
  send({});
  (void)receive(socket, reply, zmq::recv_flags::none);
  instant now = std::chrono::steady_clock::now();
  figure result{options, now};
  for (std::size_t i = 0; i < options.window; ++i) {
    send(now);
  }
  while (!result.is_over(now)) {
    (void)receive(socket, reply, zmq::recv_flags::none);
    now = std::chrono::steady_clock::now();
    instant sent;
    std::memcpy(static_cast<void*>(&sent), reply.data(), sizeof sent);
    result.answered(sent, now);
    send(now);
  }
  return result;
}

} // namespace

figure measure_reference(reference kind, const load_options& options, bool has_curve) {
  const links how = make_links(has_curve);
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) {
    throw std::runtime_error{"cannot make a pipe"};
  }
  const child broker{[&] { run_broker(kind, how, ends[1]); }};
  endpoints where;
  if (read(ends[0], &where, sizeof where) != static_cast<ssize_t>(sizeof where)) {
    throw std::runtime_error{"the reference broker did not start"};
  }
  const child worker{[&] { run_worker(kind, how, where); }};
  return ask(where, how, options);
}

} // namespace troupe::bench

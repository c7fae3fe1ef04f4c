#include "runtime/transport/listener.hpp"

#include "runtime/transport/socket.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace troupe::transport {

namespace {

constexpr int waiting_connections_max = 1024;

bool set_option(int descriptor, int option, const void* value, socklen_t size) {
  return ::setsockopt(descriptor, SOL_SOCKET, option, value, size) == 0;
}

bool switch_on(int descriptor, int option) {
  constexpr int yes = 1;
  return set_option(descriptor, option, &yes, sizeof yes);
}

/// Makes the kernel assign every new connection to one socket of the group that shares a port: the
/// one at index `place`. `descriptor` is any socket of the group.
bool give_all_to(int descriptor, unsigned place) {
  sock_filter always{BPF_RET | BPF_K, 0, 0, place};
  const sock_fprog program{1, &always};
  return set_option(descriptor, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program);
}

/// Makes `fresh` listen on the address of `first`.
/// @return false on failure, with the reason in `errno`.
bool listen_beside(int first, int fresh) {
  sockaddr_storage where{};
  socklen_t size = sizeof where;
  // getsockname(2) and bind(2) take a `sockaddr*`.
  auto* const address = reinterpret_cast<sockaddr*>(&where);
  int only_v6 = 0;
  socklen_t size_of_only = sizeof only_v6;
  // SO_REUSEPORT is set on `first` only now, so that no other process could bind the port before.
  return switch_on(first, SO_REUSEPORT) && switch_on(fresh, SO_REUSEPORT)
         && switch_on(fresh, SO_REUSEADDR) && ::getsockname(first, address, &size) == 0
         && (address->sa_family != AF_INET6
             || (::getsockopt(first, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, &size_of_only) == 0
                 && ::setsockopt(fresh, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, size_of_only) == 0))
         && ::bind(fresh, address, size) == 0 && ::listen(fresh, waiting_connections_max) == 0;
}

int family_of(int descriptor) {
  int family = AF_INET;
  socklen_t size = sizeof family;
  (void)::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &size);
  return family;
}

} // namespace

listener::~listener() {
  for (const successor& each : successors_) {
    ::close(each.descriptor);
  }
}

void listener::listen(
    const std::string& endpoint,
    const std::string& open_endpoint,
    const std::optional<curve_secret_key>& key) {
  // ZeroMQ applies to an endpoint the options in force when it is bound.
  listen_without_keys(socket_);
  if (key) {
    if (!open_endpoint.empty()) {
      socket_.bind(open_endpoint);
    }
    listen_with_keys(socket_, *key);
    has_key_ = true;
  }
  socket_.bind(endpoint);
  endpoint_ = socket_.get(zmq::sockopt::last_endpoint);
}

outcome<void> listener::replace_key(const curve_secret_key& key) {
  const std::lock_guard lock{mutex_};
  const int first = descriptor_.load();
  const int fresh = ::socket(family_of(first), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fresh < 0 || !listen_beside(first, fresh) || !give_all_to(fresh, replaced_ + 1)) {
    const int reason = errno;
    if (fresh >= 0) {
      ::close(fresh);
    }
    return failure{
        {.code = errc::unavailable,
         .message = fmt::format(
             "cannot listen on {} with another key as well: {}", endpoint_, zmq_strerror(reason))}};
  }
  ++replaced_;
  successors_.push_back({key, fresh});
  has_successors_.store(true);
  return {};
}

void listener::take_new_keys() {
  if (!has_successors_.exchange(false)) {
    return;
  }
  const std::lock_guard lock{mutex_};
  for (const successor& each : std::exchange(successors_, {})) {
    listen_with_keys(socket_, each.key);
    socket_.set(zmq::sockopt::use_fd, each.descriptor);
    socket_.bind(endpoint_);
  }
}

} // namespace troupe::transport

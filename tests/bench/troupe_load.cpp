#include "tests/bench/troupe_load.hpp"

#include "runtime/client/call_header_template.hpp"
#include "runtime/client/client.hpp"
#include "runtime/security/key_ring.hpp"
#include "runtime/wire/envelope.hpp"
#include "tests/bench/bodies.hpp"
#include "tests/bench/call_window.hpp"

#include <zmq.hpp>

#include <cstring>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace troupe::bench {

std::vector<std::string> bodies_for(const target& whom) {
  if (whom.capability == "echo") {
    return {text_body("payload")};
  }
  if (whom.capability != "order_saga") {
    return {text_body("text")};
  }
  std::vector<std::string> orders;
  for (std::uint64_t n = 0; n < 1000; ++n) {
    orders.push_back(order_body(n));
  }
  return orders;
}

std::vector<std::string> keys_for(const target& whom) {
  std::vector<std::string> keys;
  for (std::uint32_t n = 0; n < whom.keys; ++n) {
    keys.push_back(fmt::format("key-{:05}", n));
  }
  if (keys.empty()) {
    keys.emplace_back();
  }
  return keys;
}

namespace {

/// The keys of a link to the broker; nothing if links have none.
outcome<std::optional<transport::curve_link_keys>> link_keys_of(const target& whom) {
  if (whom.link_keys.empty()) {
    return std::nullopt;
  }
  return security::key_ring::open(whom.link_keys, "bench").and_then([](const auto& ring) {
    return ring->link_to("b1", 0).map(
        [](const transport::curve_link_keys& keys) { return std::optional{keys}; });
  });
}

/// The socket of a client in any language, and the header it fills in.
class plain_client {
public:
  plain_client(
      const target& whom,
      const std::optional<transport::curve_link_keys>& keys,
      std::string_view key)
      : socket_{context_, zmq::socket_type::dealer}, header_{whom.capability, whom.operation} {
    socket_.set(zmq::sockopt::sndhwm, 0);
    socket_.set(zmq::sockopt::rcvhwm, 0);
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvtimeo, static_cast<int>(first_call_within.count()) + 1000);
    if (keys) {
      socket_.set(zmq::sockopt::curve_serverkey, transport::to_z85(keys->broker));
      socket_.set(zmq::sockopt::curve_publickey, transport::to_z85(keys->own.public_key));
      socket_.set(zmq::sockopt::curve_secretkey, transport::to_z85(keys->own.secret_key.bytes));
    }
    socket_.connect(whom.broker);
    const uuid made = uuid_source{}.next(std::chrono::system_clock::now());
    std::string bytes;
    header_.append(bytes, made, static_cast<std::uint32_t>(call_within.count()), key, {});
    key_at_ = bytes.size() - key.size(); // It is the last entry.
    id_at_ = bytes.find(std::string_view{reinterpret_cast<const char*>(made.bytes.data()), 16});
    call_ = bytes;
    wire::append_reply_header(ok_, made, wire::status::ok);
    ok_id_at_ = ok_.find(std::string_view{reinterpret_cast<const char*>(made.bytes.data()), 16});
  }

  /// The number is in the last bytes of the id; time and randomness before it stay.
  void send(std::uint64_t number, std::string_view key, std::string_view body) {
    std::memcpy(call_.data() + id_at_ + 9, &number, 7);
    std::memcpy(call_.data() + key_at_, key.data(), key.size());
    (void)socket_.send(zmq::buffer(call_), zmq::send_flags::sndmore);
    (void)socket_.send(zmq::buffer(body), zmq::send_flags::none);
  }

  /// Waits for a reply; the number it is for, or what it says instead of `ok`.
  outcome<std::uint64_t> receive() {
    if (!socket_.recv(frame_).has_value()) {
      return failure{{.code = errc::deadline_exceeded, .message = "no answer came"}};
    }
    std::uint64_t number = 0;
    if (frame_.size() >= ok_id_at_ + 16) {
      std::memcpy(&number, static_cast<const char*>(frame_.data()) + ok_id_at_ + 9, 7);
    }
    const bool is_ok = frame_.size() == ok_.size()
                       && std::memcmp(
                              static_cast<const char*>(frame_.data()) + ok_id_at_ + 16,
                              ok_.data() + ok_id_at_ + 16,
                              ok_.size() - ok_id_at_ - 16)
                              == 0;
    const std::string header = is_ok ? std::string{} : frame_.to_string();
    (void)socket_.recv(frame_);
    if (is_ok) {
      return number;
    }
    TROUPE_TRY(const auto scanned, wire::scan_header(header));
    return scanned.error.empty() ? outcome<std::uint64_t>{number}
                                 : failure{wire::read_error(scanned.error).value()};
  }

private:
  zmq::context_t context_{1};
  zmq::socket_t socket_;
  client::call_header_template header_;
  zmq::message_t frame_;
  std::string call_;
  std::size_t id_at_ = 0;
  std::size_t key_at_ = 0;
  std::string ok_;
  std::size_t ok_id_at_ = 0;
};

} // namespace

outcome<figure> measure_plain(const target& whom, const load_options& options) {
  const auto bodies = bodies_for(whom);
  const auto keys = keys_for(whom);
  TROUPE_TRY(const auto proof, link_keys_of(whom));
  plain_client client{whom, proof, keys[0]};
  std::uint64_t sent = 0;
  client.send(sent++, keys[0], bodies[0]);
  TROUPE_CHECK(client.receive());
  instant now = std::chrono::steady_clock::now();
  figure result{options, now};
  // Numbers of the calls that are out differ by far less than this.
  std::vector<instant> sent_at(1U << 16U);
  const auto send = [&] {
    sent_at[sent % sent_at.size()] = now;
    client.send(sent, keys[sent % keys.size()], bodies[sent % bodies.size()]);
    ++sent;
  };
  for (std::size_t i = 0; i < options.window; ++i) {
    send();
  }
  while (!result.is_over(now)) {
    const auto number = client.receive();
    now = std::chrono::steady_clock::now();
    if (number) {
      result.answered(sent_at[*number % sent_at.size()], now);
    } else {
      result.failed(number.error().message);
    }
    send();
  }
  return result;
}

outcome<figure> measure_client(const target& whom, const load_options& options) {
  TROUPE_TRY(const auto proof, link_keys_of(whom));
  client::options settings{.brokers = {whom.broker}, .name = "bench"};
  if (proof) {
    settings.keys = [keys = *proof](int, std::size_t) { return keys; };
  }
  TROUPE_TRY(auto opened, client::client::open(std::move(settings)));
  client::client& client = *opened;
  if (whom.capability == "order_saga") {
    const std::string stock = stock_body();
    TROUPE_CHECK(client.call(
        {.capability = "inventory",
         .operation = "load",
         .body = stock,
         .deadline = first_call_within}));
  }
  const std::string body = bodies_for(whom)[0];
  TROUPE_CHECK(client.call(
      {.capability = whom.capability,
       .operation = whom.operation,
       .body = body,
       .deadline = first_call_within}));

  call_window window{client, whom, options.window};
  figure result{options, window.now()};
  while (!result.is_over(window.now())) {
    TROUPE_CHECK(window.fill());
    for (const call_window::ended& each : window.take(call_within)) {
      if (each.why == nullptr) {
        result.answered(each.sent, window.now());
      } else {
        result.failed(each.why->message);
      }
    }
  }
  client.close(milliseconds{0});
  return result;
}

} // namespace troupe::bench

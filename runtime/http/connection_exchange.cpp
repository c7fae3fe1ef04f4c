#include "runtime/http/connection_exchange.hpp"

#include "runtime/http/connection.hpp"
#include "runtime/http/stream_channel.hpp"

#include <utility>

namespace troupe::http {

namespace {

/// The writer's end of a stream. It shares the channel with the connection.
class channel_end final : public stream_sink {
public:
  explicit channel_end(std::shared_ptr<stream_channel> channel) : channel_{std::move(channel)} {}

  ~channel_end() override { channel_->abandon(); }

  written write(std::string_view part) override { return channel_->write(part); }

  void finish(std::string_view last) override { channel_->finish(last); }

private:
  const std::shared_ptr<stream_channel> channel_;
};

} // namespace

connection_exchange::connection_exchange(
    std::weak_ptr<connection> whose,
    std::shared_ptr<loop_mailbox> mailbox,
    std::shared_ptr<std::atomic<bool>> is_answered,
    bool is_http_1_0,
    std::size_t stream_bytes_max)
    : whose_{std::move(whose)}, mailbox_{std::move(mailbox)}, is_answered_{std::move(is_answered)},
      is_http_1_0_{is_http_1_0}, stream_bytes_max_{stream_bytes_max} {
}

connection_exchange::~connection_exchange() {
  if (!is_answered_->load()) {
    respond(to_response({500, "no_answer", "the handler of this request gave no answer"}));
  }
}

bool connection_exchange::respond(response answer) {
  if (is_answered_->exchange(true)) {
    return false;
  }
  const auto give = [](const std::weak_ptr<connection>& whose, const response& how) {
    if (const auto self = whose.lock()) {
      self->answer(how);
    }
  };
  if (mailbox_->is_here()) {
    give(whose_, answer);
  } else {
    mailbox_->post([give, whose = whose_, answer = std::move(answer)] { give(whose, answer); });
  }
  return true;
}

stream connection_exchange::open_stream(response head, stream_listener listener) {
  const auto wake = [whose = whose_, mailbox = mailbox_] {
    mailbox->post([whose] {
      if (const auto self = whose.lock()) {
        self->flush_stream();
      }
    });
  };
  auto channel = std::make_shared<stream_channel>(
      is_http_1_0_ ? body_framing::until_close : body_framing::chunked,
      stream_bytes_max_,
      wake,
      std::move(listener));
  if (is_answered_->exchange(true)) {
    channel->end();
  } else {
    mailbox_->post([whose = whose_, head = std::move(head), channel] {
      if (const auto self = whose.lock()) {
        self->begin_stream(head, channel);
      } else {
        channel->end();
      }
    });
  }
  return stream{std::make_shared<channel_end>(std::move(channel))};
}

} // namespace troupe::http

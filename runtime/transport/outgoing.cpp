#include "runtime/transport/outgoing.hpp"

#include "runtime/transport/socket.hpp"
#include "runtime/wire/limits.hpp"

#include <cstring>
#include <utility>

namespace troupe::transport {

namespace {

zmq::message_t routing_frame(peer to, const named_peers& named) {
  if (static_cast<std::uint64_t>(to) >= named_peers::first) {
    const std::string_view name = named.name_of(static_cast<std::uint64_t>(to));
    return {name.data(), name.size()}; // An empty name identifies no peer.
  }
  zmq::message_t frame{5};
  auto* const bytes = static_cast<char*>(frame.data());
  bytes[0] = '\0';
  std::memcpy(bytes + 1, &to, 4);
  return frame;
}

} // namespace

sent outgoing::send(
    peer to, framing how, std::string_view header, std::string_view body, std::size_t beyond) {
  const auto& account = unread_.of(static_cast<std::uint64_t>(to));
  if (!unread_.has_room(*account, header.size() + body.size(), beyond)) {
    return sent::full;
  }
  has_sent_ = true;
  zmq::message_t routing = routing_frame(to, named_);
  const sent result = send_frame(socket_, routing, true);
  if (result != sent::queued) {
    return result;
  }
  // The frames below form one message, which libzmq takes or drops as a whole.
  if (how == framing::delimited) {
    zmq::message_t delimiter;
    (void)send_frame(socket_, delimiter, true);
  }
  zmq::message_t first = unread::frame(account, header, body.size());
  (void)send_frame(socket_, first, true);
  zmq::message_t second{body.data(), body.size()};
  (void)send_frame(socket_, second, false);
  return sent::queued;
}

bool outgoing::has_room(peer to, std::size_t bytes) {
  return unread_.has_room(*unread_.of(static_cast<std::uint64_t>(to)), bytes);
}

std::uint32_t outgoing::open_batch(peer to, bool is_bounded) {
  auto index = static_cast<std::uint32_t>(batches_.size());
  if (free_.empty()) {
    batches_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  batch& opened = batches_[index];
  opened.to = to;
  opened.is_bounded = is_bounded;
  opened.account = is_bounded ? unread_.of(static_cast<std::uint64_t>(to)) : unread_.unshared();
  return index;
}

sent outgoing::append(
    std::uint32_t index, std::string_view header, std::string_view body, std::size_t beyond) {
  batch& out = batches_[index];
  if (out.is_bounded && !unread_.has_room(*out.account, header.size() + body.size(), beyond)) {
    return sent::full;
  }
  if (out.envelopes.bytes() >= wire::batch_bytes_target) {
    send_batch(out); // The receiver refuses frames above the size it announced.
  }
  if (out.envelopes.room() < header.size() + body.size()) {
    lend_buffer(out);
  }
  out.envelopes.append(header, body);
  if (!out.dirty) {
    out.dirty = true;
    dirty_.push_back(index);
  }
  return sent::queued;
}

void outgoing::close_batch(std::uint32_t index) {
  batch& closed = batches_[index];
  closed.broken = false;
  closed.account.reset();
  take_buffer(closed);
  free_.push_back(index);
}

void outgoing::flush(std::vector<peer>& lost) {
  for (const std::uint32_t index : dirty_) {
    batch& out = batches_[index];
    out.dirty = false;
    send_batch(out);
    if (std::exchange(out.broken, false)) {
      // Credit keeps a node far below its high-water mark. A node that reaches the mark has stopped
      // reading and is treated as gone.
      lost.push_back(out.to);
    }
  }
  dirty_.clear();
}

bool outgoing::take_has_sent() {
  return std::exchange(has_sent_, false);
}

/// Gives a batch that outgrows its buffer a larger spare one, if there is one. Growing the buffer
/// step by step would cost as much as all other work on a full batch.
void outgoing::lend_buffer(batch& to) {
  std::string& frame = to.envelopes.frame();
  if (frame.capacity() <= kept_bytes_max && !spare_.empty()) {
    std::string larger = std::move(spare_.back());
    spare_.pop_back();
    larger.assign(frame);
    frame = std::move(larger);
  }
}

/// Empties a batch, and keeps a buffer that has grown large as a spare.
void outgoing::take_buffer(batch& from) {
  std::string& frame = from.envelopes.frame();
  const std::size_t capacity = frame.capacity();
  frame.clear();
  if (capacity <= kept_bytes_max) {
    return;
  }
  std::string taken = std::exchange(frame, {});
  if (capacity <= spare_bytes_max && spare_.size() < spare_max) {
    spare_.push_back(std::move(taken));
  }
}

void outgoing::send_batch(batch& out) {
  if (out.envelopes.empty() || out.broken) {
    return take_buffer(out);
  }
  has_sent_ = true;
  zmq::message_t to = routing_frame(out.to, named_);
  if (send_frame(socket_, to, true) == sent::queued) {
    zmq::message_t frame = unread::frame(out.account, out.envelopes.frame(), 0);
    (void)send_frame(socket_, frame, false);
  } else {
    out.broken = true;
  }
  take_buffer(out);
}

} // namespace troupe::transport

#include "runtime/transport/unread.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace troupe::transport {

namespace {

/// Precedes the bytes of a frame in memory.
struct counted {
  std::shared_ptr<unread::account> whose;
  std::size_t bytes;
  void (*uncount)(unread::account& whose, std::size_t bytes);
};

/// Called by libzmq on one of its own threads.
void release(void* /*data*/, void* hint) {
  auto* const block = static_cast<counted*>(hint);
  block->uncount(*block->whose, block->bytes);
  block->~counted();
  std::free(hint); // NOLINT(cppcoreguidelines-no-malloc)
}

} // namespace

const std::shared_ptr<unread::account>& unread::of(std::uint64_t peer) {
  if (const auto found = of_.find(peer); found != of_.end()) {
    return found->second;
  }
  if (of_.size() >= sweep_at_) {
    // An account that only this map refers to belongs to a peer with nothing unread and no open
    // batch.
    for (auto each = of_.begin(); each != of_.end();) {
      const bool is_idle = each->second.use_count() == 1;
      each = is_idle ? of_.erase(each) : std::next(each);
    }
    sweep_at_ = 2 * of_.size() + 64;
  }
  return of_.emplace(peer, make(all_)).first->second;
}

std::shared_ptr<unread::account> unread::make(const counter& of_all) {
  auto made = std::make_shared<account>();
  made->of_all_ = of_all;
  return made;
}

zmq::message_t
unread::frame(const std::shared_ptr<account>& whose, std::string_view bytes, std::size_t others) {
  const std::size_t all = whose->uncounted_ + message_bytes + bytes.size() + others;
  if (all < counted_bytes) {
    whose->uncounted_ = all;
    return {bytes.data(), bytes.size()};
  }
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc)
  void* const room = std::malloc(sizeof(counted) + bytes.size());
  if (room == nullptr) {
    throw std::bad_alloc{};
  }
  whose->uncounted_ = 0;
  whose->bytes_.fetch_add(all, std::memory_order_relaxed);
  whose->of_all_->fetch_add(all, std::memory_order_relaxed);
  const auto uncount = [](account& of, std::size_t counted_bytes) {
    of.bytes_.fetch_sub(counted_bytes, std::memory_order_relaxed);
    of.of_all_->fetch_sub(counted_bytes, std::memory_order_relaxed);
  };
  auto* const block = new (room) counted{whose, all, uncount};
  auto* const data = static_cast<char*>(room) + sizeof(counted);
  std::ranges::copy(bytes, data);
  return {data, bytes.size(), &release, block};
}

} // namespace troupe::transport

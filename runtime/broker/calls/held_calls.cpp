#include "runtime/broker/calls/held_calls.hpp"

#include "runtime/broker/blame_book.hpp"
#include "runtime/bytes.hpp"

namespace troupe::broker {

namespace {

// A free slot keeps its buffer for the next call, unless that is larger than this or all free slots
// together keep too much.
constexpr std::size_t kept_bytes_max = std::size_t{64} * 1024;
constexpr std::size_t all_kept_bytes_max = std::size_t{16} << 20U;
// Header and body of most calls fit, so that a slot allocates once in its life.
constexpr std::size_t first_bytes = 320;

} // namespace

std::uint32_t held_calls::add(
    const wire::header_view& header, std::string_view header_bytes, std::string_view body) {
  if (free_.empty()) {
    const auto first = static_cast<std::uint32_t>(chunks_.size()) * chunk_calls;
    chunks_.push_back(std::make_unique<call[]>(chunk_calls));
    free_.reserve(chunks_.size() * chunk_calls);
    for (std::uint32_t i = chunk_calls; i > 0; --i) {
      free_.push_back(first + i - 1);
    }
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  by_id_.emplace(header.id, index);
  call& made = (*this)[index];
  kept_bytes_ -= made.bytes.capacity();
  made.id = header.id;
  made.arrival = ++arrivals_;
  if (made.bytes.capacity() < first_bytes) {
    made.bytes.reserve(first_bytes);
  }
  if (header.ttl_at != 0) {
    made.bytes.assign(header_bytes);
    made.ttl_at = header.ttl_at;
    made.op_at = static_cast<std::uint32_t>(header.op.data() - header_bytes.data());
  } else {
    // Its `ttl` is too narrow to be patched: write the header again.
    wire::append_call_header(
        made.bytes,
        {.id = header.id,
         .to = header.to,
         .op = header.op,
         .key = header.key,
         .ttl = header.ttl,
         .traceparent = header.traceparent,
         .source = header.source});
    const auto again = wire::scan_header(made.bytes);
    made.ttl_at = again->ttl_at;
    made.op_at = static_cast<std::uint32_t>(again->op.data() - made.bytes.data());
  }
  made.header_size = static_cast<std::uint32_t>(made.bytes.size());
  made.bytes.append(body);
  bytes_ += made.size();
  made.op_size = static_cast<std::uint16_t>(header.op.size());
  return index;
}

void held_calls::remove(std::uint32_t index) {
  take_out(index);
  call& gone = (*this)[index];
  by_id_.erase(gone.id);
  bytes_ -= gone.size();
  give_back(gone);
  gone.waiters.clear();
  gone.tried.clear();
  gone.was_delivered = false;
  gone.was_left = false;
  gone.deaths = 0;
  gone.may_come_late = false;
  free_.push_back(index);
}

/// Gives a freed slot's buffer back, or keeps it for the next call.
void held_calls::give_back(call& freed) {
  const std::size_t capacity = freed.bytes.capacity();
  const bool is_kept = capacity <= kept_bytes_max
                       && (capacity <= first_bytes || kept_bytes_ + capacity <= all_kept_bytes_max);
  if (!is_kept) {
    freed.bytes = {};
  }
  freed.bytes.clear();
  kept_bytes_ += freed.bytes.capacity();
}

void held_calls::queue(std::uint32_t index) {
  call& queued = (*this)[index];
  queued.is = call::phase::queued;
  push_back(nodes_.capabilities[queued.capability].queue, index);
}

void held_calls::line_up(std::uint32_t index, std::uint32_t number) {
  call& added = (*this)[index];
  capability& where = nodes_.capabilities[added.capability];
  call_list& line = where.placements[number].line;
  added.is = call::phase::lined_up;
  added.placement = number;
  ++where.lined_up;
  // Few calls come back, so the place is mostly the end.
  std::uint32_t before = line.tail;
  while (before != nowhere && added.came_before((*this)[before])) {
    before = (*this)[before].previous;
  }
  if (before == nowhere) {
    return push_front(line, index);
  }
  if (before == line.tail) {
    return push_back(line, index);
  }
  added.previous = before;
  added.next = (*this)[before].next;
  (*this)[added.next].previous = index;
  (*this)[before].next = index;
  ++line.size;
}

void held_calls::suspect(std::uint32_t index) {
  (*this)[index].is = call::phase::suspected;
  push_back(suspects_, index);
}

void held_calls::put_back(std::uint32_t index) {
  call& returned = (*this)[index];
  const bool is_suspect = returned.deaths >= deaths_suspected;
  returned.is = is_suspect ? call::phase::suspected : call::phase::queued;
  push_front(is_suspect ? suspects_ : nodes_.capabilities[returned.capability].queue, index);
}

void held_calls::occupy(std::uint32_t index, std::uint32_t number) {
  call& held = (*this)[index];
  capability& where = nodes_.capabilities[held.capability];
  placement& at = where.placements[number];
  held.is = call::phase::outstanding;
  held.was_delivered = true;
  held.placement = number;
  ++at.outstanding;
  ++where.outstanding;
  if (held.has_key) {
    key_hold& of_key = keys_in_hand_[key_of(held)];
    of_key.placement = of_key.placement == nowhere ? number : of_key.placement;
    ++(of_key.placement == number ? of_key.calls : of_key.elsewhere);
  }
  push_back(nodes_.nodes[at.node].outstanding, index);
}

void held_calls::await(std::uint32_t index) {
  call& awaiting = (*this)[index];
  awaiting.is = call::phase::awaiting;
  awaiting.awaited_by = awaiting.waiters.front().to;
  awaiting_.add(static_cast<std::uint64_t>(awaiting.awaited_by), awaiting.size());
  push_back(nodes_.capabilities[awaiting.capability].awaiting, index);
}

bool held_calls::may_await(std::uint32_t index) const {
  const call& asked = (*this)[index];
  return awaiting_.admits(static_cast<std::uint64_t>(asked.waiters.front().to), asked.size());
}

void held_calls::take_out(std::uint32_t index) {
  call& taken = (*this)[index];
  if (taken.is == call::phase::none) {
    return;
  }
  capability& where = nodes_.capabilities[taken.capability];
  switch (taken.is) {
  case call::phase::outstanding:
    take_out_of_hand(taken, index);
    break;
  case call::phase::lined_up:
    --where.lined_up;
    unlink(where.placements[taken.placement].line, index);
    break;
  case call::phase::queued:
    unlink(where.queue, index);
    break;
  case call::phase::suspected:
    unlink(suspects_, index);
    break;
  default:
    awaiting_.remove(static_cast<std::uint64_t>(taken.awaited_by), taken.size());
    unlink(where.awaiting, index);
  }
  taken.placement = nowhere;
  taken.is = call::phase::none;
}

void held_calls::take_out_of_hand(call& taken, std::uint32_t index) {
  capability& where = nodes_.capabilities[taken.capability];
  placement& at = where.placements[taken.placement];
  --at.outstanding;
  --where.outstanding;
  unlink(nodes_.nodes[at.node].outstanding, index);
  if (taken.has_key) {
    const auto of_key = keys_in_hand_.find(key_of(taken));
    key_hold& hold = of_key.value();
    --(hold.placement == taken.placement ? hold.calls : hold.elsewhere);
    if (hold.calls + hold.elsewhere == 0) {
      keys_in_hand_.erase(of_key);
    }
  }
}

key_hold held_calls::hold_of_key(const call& of) const {
  const auto found = keys_in_hand_.find(key_of(of));
  return found == keys_in_hand_.end() ? key_hold{} : found->second;
}

/// Two keys with one digest are taken for one, which costs them a wait.
std::uint64_t held_calls::key_of(const call& of) {
  return of.key_digest ^ (of.capability + 1) * golden_ratio;
}

void held_calls::push_back(call_list& list, std::uint32_t index) {
  call& added = (*this)[index];
  added.previous = list.tail;
  added.next = nowhere;
  if (list.tail == nowhere) {
    list.head = index;
  } else {
    (*this)[list.tail].next = index;
  }
  list.tail = index;
  ++list.size;
}

void held_calls::push_front(call_list& list, std::uint32_t index) {
  call& added = (*this)[index];
  added.previous = nowhere;
  added.next = list.head;
  if (list.head == nowhere) {
    list.tail = index;
  } else {
    (*this)[list.head].previous = index;
  }
  list.head = index;
  ++list.size;
}

void held_calls::unlink(call_list& list, std::uint32_t index) {
  call& taken = (*this)[index];
  (taken.previous == nowhere ? list.head : (*this)[taken.previous].next) = taken.next;
  (taken.next == nowhere ? list.tail : (*this)[taken.next].previous) = taken.previous;
  taken.previous = nowhere;
  taken.next = nowhere;
  --list.size;
}

} // namespace troupe::broker

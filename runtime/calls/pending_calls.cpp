#include "runtime/calls/pending_calls.hpp"

#include "runtime/wire/envelope.hpp"

#include <algorithm>

namespace troupe::calls {

namespace {

// A slot keeps a buffer of up to this size for its next call; a larger one is freed.
constexpr std::size_t kept_bytes_max = 4096;
// Time for the answer's way back, plus a tick of the broker's deadlines.
constexpr milliseconds way_back{30};
// The ttl in a header that can be patched: a uint32.
constexpr std::size_t ttl_bytes = 4;

} // namespace

pending_calls::pending_calls(int links, instant now)
    : wheel_{now}, is_up_(static_cast<std::size_t>(links), false), journal_{links} {
}

std::uint32_t pending_calls::take_slot(const new_call& given) {
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(slots_.size());
  } else {
    index = free_.back();
  }
  if (!slot_of_.try_emplace(given.id, index).second) {
    return none;
  }
  if (free_.empty()) {
    slots_.emplace_back();
  } else {
    free_.pop_back();
  }
  slot& call = slots_[index];
  call.id = given.id;
  call.deadline = given.deadline;
  call.token = given.token;
  call.number = added_++;
  call.bytes.assign(given.header);
  call.bytes.append(given.body);
  call.header_size = static_cast<std::uint32_t>(given.header.size());
  call.ttl_at = given.ttl_at;
  call.sends_open = 0;
  call.retries = 0;
  call.link = -1;
  call.flags = given.flags;
  call.wants_journal = given.wants_journal;
  wheel_.set(index, given.deadline);
  return index;
}

bool pending_calls::add(const new_call& given) {
  const std::uint32_t index = take_slot(given);
  if (index == none) {
    return false;
  }
  enqueue(index);
  return true;
}

bool pending_calls::add_sent(const new_call& given) {
  const std::uint32_t index = take_slot(given);
  if (index == none) {
    return false;
  }
  slot& call = slots_[index];
  call.at = place::sent;
  call.sends_open = 1;
  call.link = static_cast<std::int16_t>(current_);
  return true;
}

bool pending_calls::is_same_request(const slot& call, const new_call& given) {
  const std::string_view bytes = call.bytes;
  const auto without_ttl = [](std::string_view header, std::uint32_t ttl_at) {
    return std::pair{header.substr(0, ttl_at), header.substr(ttl_at + ttl_bytes)};
  };
  return call.ttl_at == given.ttl_at && call.header_size == given.header.size()
         && without_ttl(bytes.substr(0, call.header_size), call.ttl_at)
                == without_ttl(given.header, given.ttl_at)
         && bytes.substr(call.header_size) == given.body;
}

bool pending_calls::adopt(const new_call& given) {
  const auto found = slot_of_.find(given.id);
  if (found == slot_of_.end() || !is_same_request(slots_[found->second], given)) {
    return false;
  }
  slot& call = slots_[found->second];
  call.deadline = given.deadline;
  call.token = given.token;
  call.flags = given.flags;
  const bool waits_for_try = call.at == place::waiting && call.retry_at < given.deadline;
  wheel_.set(found->second, waits_for_try ? call.retry_at : given.deadline);
  return true;
}

void pending_calls::enqueue(std::uint32_t index) {
  slot& call = slots_[index];
  call.at = place::to_send;
  call.next = none;
  call.previous = last_;
  (last_ == none ? first_ : slots_[last_].next) = index;
  last_ = index;
}

void pending_calls::dequeue(std::uint32_t index) {
  const slot& call = slots_[index];
  (call.previous == none ? first_ : slots_[call.previous].next) = call.next;
  (call.next == none ? last_ : slots_[call.next].previous) = call.previous;
}

std::uint32_t pending_calls::ttl_of(instant deadline, instant now) {
  const instant::duration left = deadline - now;
  // A call whose time is up is sent with 1 ms, and ends here at the next turn of the wheel.
  return std::max(1U, wire::ttl_of(left - std::min<instant::duration>(left / 10, way_back)));
}

bool pending_calls::next_to_send(instant now, outgoing& out) {
  if (first_ == none || current_ < 0) {
    return false;
  }
  slot& call = slots_[first_];
  dequeue(first_);
  call.at = place::sent;
  const int link = call.wants_journal && journal_link() >= 0 ? journal_link() : current_;
  call.link = static_cast<std::int16_t>(link);
  ++call.sends_open;
  wire::patch_ttl(call.bytes.data(), call.ttl_at, ttl_of(call.deadline, now));
  const std::string_view bytes = call.bytes;
  out = {link, bytes.substr(0, call.header_size), bytes.substr(call.header_size)};
  return true;
}

pending_calls::ended pending_calls::describe(const slot& call, std::uint32_t answered) {
  return {call.id, call.token, call.flags, call.sends_open > answered, call.retries};
}

pending_calls::ended pending_calls::end(std::uint32_t index) {
  slot& call = slots_[index];
  const ended what = describe(call, 0);
  if (call.at == place::to_send) {
    dequeue(index);
  }
  call.at = place::free;
  if (call.bytes.capacity() > kept_bytes_max) {
    call.bytes = {};
  }
  free_.push_back(index);
  return what;
}

std::optional<pending_calls::ended> pending_calls::answered(const uuid& id) {
  const std::size_t hash = slot_of_.hash_function()(id);
  const auto found = slot_of_.find(id, hash);
  if (found == slot_of_.end()) {
    return std::nullopt;
  }
  const std::uint32_t index = found->second;
  // Erasing by iterator would search for the next entry, which is far away in a sparse table.
  slot_of_.erase(id, hash);
  wheel_.clear(index);
  ended what = end(index);
  what.is_loose = slots_[index].sends_open > 1;
  return what;
}

std::optional<pending_calls::ended> pending_calls::find(const uuid& id) const {
  const auto found = slot_of_.find(id);
  if (found == slot_of_.end()) {
    return std::nullopt;
  }
  return describe(slots_[found->second], 1);
}

bool pending_calls::retry(const uuid& id, instant when, effect possible) {
  const auto found = slot_of_.find(id);
  if (found == slot_of_.end()) {
    return false;
  }
  const std::uint32_t index = found->second;
  slot& call = slots_[index];
  if (call.at != place::sent || when >= call.deadline) {
    return false;
  }
  if (possible == effect::none) {
    --call.sends_open;
  }
  ++call.retries;
  call.at = place::waiting;
  call.link = -1;
  call.retry_at = when;
  wheel_.set(index, when);
  return true;
}

void pending_calls::expire(instant now, std::vector<ended>& into) {
  due_.clear();
  wheel_.take_due(now, due_);
  for (const std::uint32_t index : due_) {
    slot& call = slots_[index];
    if (call.deadline <= now) {
      slot_of_.erase(call.id);
      into.push_back(end(index));
    } else {
      enqueue(index);
      wheel_.set(index, call.deadline);
    }
  }
}

void pending_calls::link_up(int link, const wire::welcome& said) {
  is_up_[static_cast<std::size_t>(link)] = true;
  if (current_ < 0) {
    current_ = link;
  }
  told(link, said);
}

void pending_calls::told(int link, const wire::welcome& said) {
  if (journal_.told(link, said)) {
    follow_journal();
  }
}

void pending_calls::follow_journal() {
  const int link = journal_.link();
  if (link >= 0) {
    enqueue_sent([link](const slot& call) { return call.wants_journal && call.link != link; });
  }
}

void pending_calls::link_lost(int link) {
  is_up_[static_cast<std::size_t>(link)] = false;
  if (current_ == link) {
    current_ = -1;
    const int links = static_cast<int>(is_up_.size());
    for (int i = 1; i < links && current_ < 0; ++i) {
      const int next = (link + i) % links;
      if (is_up_[static_cast<std::size_t>(next)]) {
        current_ = next;
      }
    }
  }
  enqueue_sent([link](const slot& call) { return call.link == link; });
  if (journal_.lost(link)) {
    follow_journal();
  }
}

/// Marks calls to be sent again, in the order in which they were added.
template <class Condition>
void pending_calls::enqueue_sent(const Condition& is_lost) {
  std::vector<std::uint32_t> lost;
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].at == place::sent && is_lost(slots_[i])) {
      lost.push_back(i);
    }
  }
  std::ranges::sort(
      lost, [&](std::uint32_t a, std::uint32_t b) { return slots_[a].number < slots_[b].number; });
  for (const std::uint32_t index : lost) {
    enqueue(index);
  }
}

void pending_calls::end_all(std::vector<ended>& into) {
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].at != place::free) {
      wheel_.clear(i);
      into.push_back(end(i));
    }
  }
  slot_of_.clear();
}

} // namespace troupe::calls

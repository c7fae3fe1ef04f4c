#include "runtime/broker/cut_links.hpp"

#include "runtime/contains.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace troupe::broker {

std::string cut_words(std::string_view what, std::string_view node, std::size_t bytes) {
  return fmt::format(
      "node {} cut its link each time that it was sent this {} of {} bytes, {} times in a row: it "
      "takes no frames of this size (its ZMQ_MAXMSGSIZE; wire/FORMAT.md, 7, says what it has to "
      "take)",
      node,
      what,
      bytes,
      cuts_convicted);
}

void cut_links::note(login_id to, const message& what, instant now) {
  const auto number = static_cast<std::uint32_t>(to);
  const bool is_large = what.bytes > cutting_bytes_least;
  if (is_large || links_.contains(number)) {
    link& of = links_[number];
    if (is_large || of.size() < followers_max) {
      of.push_back({what, now});
    }
  }
}

/// Forgets the messages that the worker has received: the last one of these, and all before it.
template <class IsIt>
void cut_links::take(login_id by, const IsIt& is_it) {
  const auto found = links_.find(static_cast<std::uint32_t>(by));
  if (found == links_.end()) {
    return;
  }
  link& of = found.value();
  const auto last = std::find_if(
      of.rbegin(), of.rend(), [&](const sent_message& each) { return is_it(each.what); });
  for (auto each = of.begin(); each != last.base(); ++each) {
    acquit(each->what);
  }
  of.erase(of.begin(), last.base());
  const auto next = std::ranges::find_if(
      of, [](const sent_message& each) { return each.what.bytes > cutting_bytes_least; });
  of.erase(of.begin(), next);
  if (of.empty()) {
    links_.erase(found);
  }
}

void cut_links::answered(login_id by, const uuid& call) {
  if (!links_.empty()) {
    take(by, [&](const message& each) {
      return each.whose == suspect_of::calls && each.id == call;
    });
  }
}

void cut_links::answered(
    login_id by,
    suspect_of whose,
    std::uint32_t partition,
    std::uint64_t first,
    std::uint64_t last) {
  if (!links_.empty()) {
    take(by, [&](const message& each) {
      return each.whose == whose && each.partition == partition && each.position >= first
             && each.position <= last;
    });
  }
}

void cut_links::ended(login_id whose, const uuid& incarnation, instant now) {
  const auto found = links_.find(static_cast<std::uint32_t>(whose));
  if (found == links_.end()) {
    return;
  }
  departure left{incarnation, {}};
  for (const sent_message& each : found->second) {
    if (now - each.at > cut_within) {
      acquit(each.what); // The link lasted: the cuts before are no row.
    } else if (each.what.bytes > std::max(cutting_bytes_least, left.largest.bytes)) {
      left.largest = each.what;
    }
  }
  links_.erase(found);
  if (left.largest.bytes != 0) {
    departed_.push_back(left);
    if (departed_.size() > remembered_max) {
      departed_.pop_front();
    }
  }
}

void cut_links::came_back(const uuid& incarnation, const std::vector<uuid>& in_hand) {
  too_large_.reset();
  const auto left = std::ranges::find(departed_, incarnation, &departure::incarnation);
  if (left == departed_.end()) {
    return;
  }
  const message what = left->largest;
  departed_.erase(left);
  if (what.whose == suspect_of::calls && contains(in_hand, what.id)) {
    return acquit(what); // The worker has it: the link ended for another reason.
  }
  auto known = find(what);
  if (known == cuts_.end()) {
    if (cuts_.size() == remembered_max) {
      cuts_.pop_front();
    }
    cuts_.push_back({what, 0});
    known = std::prev(cuts_.end());
  }
  known->count = std::min(cuts_convicted, static_cast<std::uint8_t>(known->count + 1U));
  if (known->count == cuts_convicted) {
    too_large_ = what;
  }
}

std::optional<cut_links::message> cut_links::too_large(suspect_of whose) const {
  return too_large_ && too_large_->whose == whose ? too_large_ : std::nullopt;
}

void cut_links::set_aside() {
  if (too_large_) {
    acquit(*too_large_);
    too_large_.reset();
  }
}

void cut_links::acquit(const message& what) {
  if (const auto known = find(what); known != cuts_.end()) {
    cuts_.erase(known);
  }
}

std::deque<cut_links::cuts>::iterator cut_links::find(const message& what) {
  return std::ranges::find_if(cuts_, [&](const cuts& each) { return each.what.is_same(what); });
}

} // namespace troupe::broker

#include "runtime/worker/known_effects.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

known_effects::before known_effects::take(const uuid& key, const uuid& call) {
  const auto [known, is_new] = notes_.try_emplace(key, note{call});
  return {is_new, std::exchange(known->second.is_owned, true)};
}

std::vector<uuid> known_effects::calls() const {
  std::vector<uuid> found;
  for (const auto& [key, known] : notes_) {
    found.push_back(known.call);
  }
  return found;
}

std::int64_t known_effects::settled(const uuid& key) {
  const auto ended = static_cast<std::int64_t>(notes_.erase(key));
  telling_ += ended;
  return ended;
}

void known_effects::put_off(const uuid& key) {
  if (const auto known = notes_.find(key); known != notes_.end()) {
    known->second.is_put_off = true;
  }
}

void known_effects::disown_all() {
  for (auto& [key, known] : notes_) {
    known.is_owned = false;
  }
}

bool known_effects::forget_if_disowned(const uuid& key) {
  const auto known = notes_.find(key);
  if (known == notes_.end() || known->second.is_owned) {
    return false;
  }
  notes_.erase(known);
  return true;
}

std::int64_t known_effects::in_hand(std::size_t waiting) const {
  const auto put_off =
      std::ranges::count_if(notes_, [](const auto& each) { return each.second.is_put_off; });
  const auto others = static_cast<std::int64_t>(waiting) + put_off;
  return telling_ + std::max<std::int64_t>(0, static_cast<std::int64_t>(notes_.size()) - others);
}

} // namespace troupe

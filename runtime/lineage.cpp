#include "runtime/lineage.hpp"

#include "runtime/contains.hpp"

#include <algorithm>

namespace troupe {

uuid lineage::writer_of(std::uint64_t position) const {
  const auto next = std::ranges::upper_bound(lives_, position, {}, &journal_life::first);
  return next == lives_.begin() ? uuid{} : std::prev(next)->id;
}

bool lineage::has(const uuid& life, std::uint64_t position) const {
  return life != uuid{} && writer_of(position) == life;
}

bool lineage::agrees_with(const lineage& reader, std::uint64_t position) const {
  const uuid writer = reader.writer_of(position);
  return position == 0 || writer == uuid{} || has(writer, position);
}

bool lineage::outlives(const std::vector<journal_life>& lives) const {
  const auto is_in = [](const std::vector<journal_life>& all, const uuid& life) {
    return contains(all, life, &journal_life::id);
  };
  return !lives.empty() && !lives_.empty() && lives_.back().id != uuid{}
         && is_in(lives_, lives.back().id) && !is_in(lives, lives_.back().id);
}

std::uint64_t lineage::shared_with(const lineage& other, std::uint64_t most) const {
  std::uint64_t last = most; // The last position of the current life.
  for (auto mine = lives_.rbegin(); mine != lives_.rend(); ++mine) {
    if (mine->first <= last) {
      const auto same = std::ranges::find_if(other.lives_, [&](const journal_life& each) {
        return each.id == mine->id && each.id != uuid{};
      });
      if (same != other.lives_.end()) {
        const auto next = std::next(same);
        const std::uint64_t ends = next == other.lives_.end() ? last : next->first - 1;
        if (std::min(last, ends) >= mine->first) {
          return std::min(last, ends);
        }
      }
    }
    last = std::min(last, mine->first - 1);
  }
  // Positions written before lives were recorded are assumed to be common.
  return other.lives_.empty() ? last : std::min(last, other.lives_.front().first - 1);
}

std::vector<journal_life> lineage::newest(std::size_t count) const {
  return {lives_.end() - static_cast<std::ptrdiff_t>(std::min(count, lives_.size())), lives_.end()};
}

void lineage::learn(const std::vector<journal_life>& lives, std::uint64_t position) {
  const lineage journal{lives};
  const uuid known = writer_of(position);
  lives_.erase(std::ranges::upper_bound(lives_, position, {}, &journal_life::first), lives_.end());
  // A life also ends where the writer of the next position is unknown; otherwise that position
  // would be ascribed to this life.
  if (const uuid next = journal.writer_of(position + 1); next != known) {
    lives_.push_back({next, position + 1});
  }
  for (const journal_life& each : lives) {
    if (each.first > position + 1) {
      lives_.push_back(each);
    }
  }
}

} // namespace troupe

#include "runtime/broker/journal/published_ids.hpp"

#include "runtime/broker/journal/tables.hpp"
#include "runtime/bytes.hpp"

#include <algorithm>
#include <utility>

namespace troupe::broker {

namespace {

/// Position, id and digest.
constexpr std::size_t entry_bytes = 32;
/// The bytes of one row. PostgreSQL puts rows of 2 KB and more apart, after it has tried to
/// compress them: as much work as for all events of the commit.
constexpr std::size_t row_bytes_max = 60 * entry_bytes;

/// Ids are deleted so many at a time, so that most commits have nothing to delete.
constexpr std::uint64_t forget_step = 1'024;

} // namespace

std::vector<journal_state::published> published_ids::load(store::database& session) {
  total_ =
      static_cast<std::uint64_t>(session.integer_of("SELECT max(upto) FROM published").value_or(0));
  forgotten_ = total_ - std::min(total_, kept);
  std::vector<journal_state::published> found;
  session.query(
      "SELECT entries FROM published WHERE upto > $1 ORDER BY upto",
      [&found](const store::row& row) {
        const store::blob entries = row.bytes(0);
        if (entries.size() % entry_bytes != 0) {
          throw_damaged("ids of clients");
        }
        for (std::size_t at = 0; at < entries.size(); at += entry_bytes) {
          found.push_back(
              {*uuid_from(entries.subspan(at + 8, 16)),
               load_big_endian<std::uint64_t>(&entries[at]),
               load_big_endian<std::uint64_t>(&entries[at + 24])});
        }
      },
      forgotten_);
  if (found.size() > kept) { // The oldest row has ids to forget before the ids to keep.
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(kept));
  }
  return found;
}

void published_ids::write(store::database& session, const std::vector<event_ref>& events) {
  entries_.clear();
  for (const event_ref& each : events) {
    if (each->digest != 0) {
      append_big_endian(entries_, each->position);
      entries_.append(reinterpret_cast<const char*>(each->id.bytes.data()), each->id.bytes.size());
      append_big_endian(entries_, each->digest);
    }
  }
  added_ = entries_.size() / entry_bytes;
  if (added_ == 0) {
    return;
  }
  const std::uint64_t upto = total_ + added_;
  std::uint64_t so_far = total_;
  for (std::string_view left = entries_; !left.empty();) {
    const std::string_view row = left.substr(0, row_bytes_max);
    so_far += row.size() / entry_bytes;
    session.execute("INSERT INTO published VALUES ($1, $2)", so_far, bytes_of(row));
    left.remove_prefix(row.size());
  }
  if (upto >= kept + forgotten_ + forget_step) {
    session.execute("DELETE FROM published WHERE upto <= $1", upto - kept);
  }
}

void published_ids::keep() {
  total_ += std::exchange(added_, 0);
  if (total_ >= kept + forgotten_ + forget_step) {
    forgotten_ = total_ - kept;
  }
}

} // namespace troupe::broker

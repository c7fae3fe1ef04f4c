#include "runtime/broker/journal/tables.hpp"
#include "runtime/broker/journal/writer.hpp"
#include "runtime/store/migrations.hpp"
#include "runtime/store/sqlite/database.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

// What the journal's writer does when it is opened.

namespace troupe::broker {

namespace {

constexpr std::size_t entry_bytes = 32;

/// Dead letters of one capability that are told at opening, at most.
constexpr std::int64_t graves_max = 65'536;

std::uint64_t big_endian(store::blob bytes, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    number = number << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  }
  return number;
}

[[noreturn]] void damaged(std::string_view what) {
  throw store::database_error{
      store::database_fault::corrupt, fmt::format("the journal's {} are damaged", what)};
}

void unpack(store::blob bytes, std::array<std::uint64_t, 64>& positions) {
  if (bytes.size() != positions.size() * 8) {
    damaged("cursors");
  }
  for (std::size_t partition = 0; partition < positions.size(); ++partition) {
    positions[partition] = big_endian(bytes, partition * 8);
  }
}

error refused(const std::string& path, error why) {
  // Of the lock; what the database says has a `fault`.
  if (why.code == errc::unavailable && why.detail("fault").empty()) {
    why.message = fmt::format(
        "cannot open the journal {}: another broker has it, and it takes one ({})",
        path,
        why.message);
  }
  return why;
}

} // namespace

outcome<std::unique_ptr<journal_writer>>
journal_writer::open(const journal_options& options, const clock& time, journal_state& found) {
  store::sqlite_options how = options.sqlite;
  how.capability = journal_component;
  how.read_only = false;
  how.lock_patience = options.patience;
  auto session = store::open_sqlite(options.path, how);
  if (!session) {
    return failure{refused(options.path, std::move(session.error()))};
  }
  auto gate = store::turnstile::open(options.path);
  if (!gate) {
    return failure{std::move(gate.error())};
  }
  if (auto locked = gate->lock(options.patience); !locked) {
    return failure{refused(options.path, std::move(locked.error()))};
  }
  auto ready = store::migrate(**session, time, journal_component, journal_migrations());
  if (!ready) {
    return failure{std::move(ready.error())};
  }
  std::unique_ptr<journal_writer> opened{
      new journal_writer{options, std::move(*gate), std::move(*session)}};
  try {
    opened->load(found);
  } catch (const store::database_error& met) {
    return failure{journal_error(met, fmt::format("open the journal {}", options.path))};
  }
  return opened;
}

journal_writer::journal_writer(
    journal_options options, store::turnstile gate, std::unique_ptr<store::database> session)
    : options_{std::move(options)}, gate_{std::move(gate)}, session_{std::move(session)} {
}

journal_writer::~journal_writer() {
  session_.reset();
  gate_.unlock();
}

void journal_writer::load(journal_state& found) {
  found = {};
  found.instance = session_->instance();
  topics_.load(*session_);
  load_published(found.recent);
  count_again();
  found.last = last_;
  for (const auto& [number, topic] : topics_.all()) {
    found.topics.push_back(topic.name);
  }
  load_progress(found);
  store::transaction writing{*session_};
  session_->execute("UPDATE journal SET generation = generation + 1");
  found.generation = static_cast<std::uint64_t>(
      session_->integer_of("SELECT generation FROM journal").value_or(0));
  writing.commit();
}

/// Counts the events that the counters on disk do not have yet: a few thousand at most.
void journal_writer::count_again() {
  counted_ =
      static_cast<std::uint64_t>(session_->integer_of("SELECT counted FROM journal").value_or(0));
  // Also of use if somebody deleted rows by hand: no position is given a second time.
  last_ = std::max(last_, counted_);
  const auto recount = [this](const store::row& row) {
    topic_entry* const topic = topics_.find(static_cast<topic_book::number>(row.integer(1)));
    if (topic == nullptr) {
      damaged("topics");
    }
    last_ = std::max(last_, static_cast<std::uint64_t>(row.integer(0)));
    topic->counters.count(
        static_cast<std::uint64_t>(row.integer(0)),
        row.integer(2),
        static_cast<std::size_t>(row.integer(3)));
    topic->changed = true;
  };
  session_->query(
      "SELECT position, topic, time, length(body) FROM events WHERE position > $1 "
      "ORDER BY position",
      recount,
      counted_);
}

void journal_writer::load_published(std::vector<journal_state::published>& to) {
  published_ = static_cast<std::uint64_t>(
      session_->integer_of("SELECT max(upto) FROM published").value_or(0));
  forgotten_ = published_ - std::min(published_, published_kept);
  session_->query(
      "SELECT entries FROM published WHERE upto > $1 ORDER BY upto",
      [&](const store::row& row) {
        const store::blob entries = row.bytes(0);
        if (entries.size() % entry_bytes != 0) {
          damaged("ids of clients");
        }
        for (std::size_t at = 0; at < entries.size(); at += entry_bytes) {
          to.push_back(
              {*uuid_from(entries.subspan(at + 8, 16)),
               big_endian(entries, at),
               big_endian(entries, at + 24)});
        }
      },
      forgotten_);
  if (to.size() > published_kept) {
    to.erase(to.begin(), to.end() - static_cast<std::ptrdiff_t>(published_kept));
  }
  if (!to.empty()) {
    last_ = std::max(last_, to.back().position);
  }
}

void journal_writer::load_progress(journal_state& found) {
  session_->query(
      "SELECT capability, instance, taken, taken_id FROM sources ORDER BY capability, instance",
      [&](const store::row& row) {
        found.sources.push_back(
            {std::string{row.text(0)},
             row.id(1),
             static_cast<std::uint64_t>(row.integer(2)),
             row.id(3)});
      });
  session_->query(
      "SELECT capability, handled, reached FROM cursors ORDER BY capability",
      [&](const store::row& row) {
        cursor_row& added = found.cursors.emplace_back();
        added.capability = row.text(0);
        unpack(row.bytes(1), added.handled);
        if (!row.is_null(2)) {
          unpack(row.bytes(2), added.reached);
        }
      });
  load_graves(found);
  found.next_due = session_->integer_of("SELECT min(due_at) FROM scheduled");
}

void journal_writer::load_graves(journal_state& found) {
  // From one capability to the next, without reading all letters of each.
  std::string capability;
  while (auto next = session_->text_of(
             "SELECT min(capability) FROM dead_letters WHERE capability > $1", capability)) {
    capability = std::move(*next);
    const auto cursor = std::find_if(
        found.cursors.begin(), found.cursors.end(), [&capability](const cursor_row& each) {
          return each.capability == capability;
        });
    // Below that, handled and buried are the same.
    const std::uint64_t above =
        cursor == found.cursors.end()
            ? 0
            : *std::min_element(cursor->handled.begin(), cursor->handled.end());
    session_->query(
        "SELECT position FROM dead_letters WHERE capability = $1 AND position > $2 "
        "ORDER BY position LIMIT $3",
        [&](const store::row& row) {
          found.graves.push_back({capability, static_cast<std::uint64_t>(row.integer(0))});
        },
        capability,
        above,
        graves_max);
  }
}

} // namespace troupe::broker

#pragma once

#include "runtime/broker/journal/reader.hpp"
#include "runtime/broker/journal/writer.hpp"
#include "runtime/wire/events.hpp"
#include "tests/store/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::broker {

/// A journal in a folder of its own, and the events to fill it with.
struct journal_fixture {
  store::temporary_folder folder;
  manual_clock time;
  journal_options options;
  journal_state found;
  std::unique_ptr<journal_writer> journal;
  uuid_source ids{7};
  /// Of the last event made.
  std::uint64_t last = 0;
  std::int64_t now = 1'000'000;

  journal_fixture() {
    options.path = folder.file("data/journal.db");
    options.patience = std::chrono::milliseconds{20};
  }

  outcome<void> try_open() {
    journal.reset();
    TROUPE_TRY(journal, journal_writer::open(options, time, found));
    last = found.last;
    return {};
  }

  void open() {
    const auto opened = try_open();
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
  }

  /// Makes the next event, as a client publishes it unless `source` is given.
  std::shared_ptr<event>
  make(const std::string& topic, const std::string& body = "body", const std::string& source = "") {
    auto made = std::make_shared<event>();
    made->position = ++last;
    made->id = ids.next(wall_time{std::chrono::milliseconds{now}});
    made->time = now;
    made->digest = source.empty() ? made->position * 3 : 0;
    made->topic = topic;
    made->key = "key-" + std::to_string(last % 10);
    made->source = source;
    made->body = body;
    return made;
  }

  outcome<void> write(const journal_batch& batch) {
    auto done = journal->write(batch);
    if (!done) {
      last = journal->last();
    }
    return done;
  }

  void must_write(const journal_batch& batch) {
    const auto done = write(batch);
    BOOST_REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
    BOOST_REQUIRE(journal->checkpoint().has_value());
  }

  /// Writes `count` events in batches of `size`, one millisecond apart.
  void fill(
      const std::string& topic,
      std::size_t count,
      const std::string& body = "body",
      std::size_t size = 100) {
    while (count > 0) {
      journal_batch batch;
      for (std::size_t i = 0; i < size && count > 0; ++i, --count) {
        ++now;
        batch.events.push_back(make(topic, body));
      }
      must_write(batch);
    }
  }

  template <class Question>
  auto ask(const Question& question) {
    auto reader = journal_reader::open(options);
    BOOST_REQUIRE_MESSAGE(reader, (reader ? "" : reader.error().message));
    return (**reader)(question);
  }

  /// The positions of a topic that are in the journal.
  std::vector<std::uint64_t> positions(const std::string& pattern) {
    std::vector<std::uint64_t> all;
    ask_events question{.after = 0, .count_max = 1'000, .patterns = {pattern}};
    for (;;) {
      const auto page = ask(question);
      for (const event_ref& each : page.events) {
        all.push_back(each->position);
      }
      if (page.scanned >= page.last) {
        return all;
      }
      question.after = page.scanned;
    }
  }

  topic_counts counts(const std::string& topic) {
    for (const topic_counts& each : ask(ask_topics{}).topics) {
      if (each.topic == topic) {
        return each;
      }
    }
    return {};
  }

  /// Runs a sweep to its end. @return how many events it deleted.
  std::uint64_t sweep(const retention& rules) {
    journal->begin_sweep(rules);
    std::uint64_t deleted = 0;
    for (;;) {
      const auto slice = journal->sweep();
      BOOST_REQUIRE_MESSAGE(slice, (slice ? "" : slice.error().message));
      deleted += slice->deleted;
      if (!slice->has_more) {
        return deleted;
      }
    }
  }
};

} // namespace troupe::broker

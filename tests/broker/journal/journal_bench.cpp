// What the journal's writer costs, without threads and sockets:
//
//   journal_bench FOLDER [--events N]
//
// Events of 128 bytes are written in batches of 1, 64 and 1,000, into an empty journal and into one
// that holds a million; then a sweep, reading, and opening. Times of the processor (user and
// system) and of the clock, as the latter has the disk in it.

#include "runtime/broker/journal/reader.hpp"
#include "runtime/broker/journal/writer.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace troupe;
using namespace troupe::broker;

constexpr std::size_t retained = 1'000'000;

double seconds_of(clockid_t which) {
  timespec now{};
  clock_gettime(which, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct stopwatch {
  double processor = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  double wall = seconds_of(CLOCK_MONOTONIC);

  void say(const std::string& what, std::size_t events) const {
    const double spent = seconds_of(CLOCK_THREAD_CPUTIME_ID) - processor;
    const double passed = seconds_of(CLOCK_MONOTONIC) - wall;
    const auto count = static_cast<double>(events);
    fmt::print(
        "{:<44} {:>9.0f}/s of processor {:>9.0f}/s of clock  ({:.2f} us, {:.2f} us)\n",
        what,
        count / spent,
        count / passed,
        spent / count * 1e6,
        passed / count * 1e6);
    std::fflush(stdout);
  }
};

void must(bool good, const std::string& message) {
  if (!good) {
    fmt::print(stderr, "{}\n", message);
    std::exit(1);
  }
}

class filled_journal {
public:
  explicit filled_journal(journal_options options, std::size_t topics = 1)
      : options_{std::move(options)} {
    for (std::size_t i = 0; i < topics; ++i) {
      topics_.push_back(fmt::format("order.created{}", i));
    }
    open();
  }

  void open() {
    journal_.reset();
    auto opened = journal_writer::open(options_, time_, found_);
    must(opened.has_value(), opened ? "" : opened.error().message);
    journal_ = std::move(*opened);
  }

  /// The events are made before the clock starts: that is the work of whoever takes them.
  void write(std::size_t events, std::size_t size, const std::string& what, bool of_client = true) {
    std::vector<journal_batch> batches((events + size - 1) / size);
    std::uint64_t position = journal_->last();
    for (journal_batch& each : batches) {
      for (std::size_t i = 0; i < size; ++i) {
        auto made = std::make_shared<event>();
        made->position = ++position;
        made->id = ids_.next(time_.wall());
        made->time = 1'700'000'000'000 + static_cast<std::int64_t>(position);
        made->digest = of_client ? position * 0x9e3779b97f4a7c15ULL : 0;
        made->topic = topics_[position % topics_.size()];
        made->key = "customer-1234";
        made->source = of_client ? "" : "orders";
        made->body.assign(128, 'b');
        each.events.push_back(std::move(made));
      }
    }
    const stopwatch watch;
    for (const journal_batch& each : batches) {
      auto done = journal_->write(each);
      must(done.has_value(), done ? "" : done.error().message);
      done = journal_->checkpoint();
      must(done.has_value(), done ? "" : done.error().message);
    }
    if (!what.empty()) {
      watch.say(what, batches.size() * size);
    }
  }

  void series(std::size_t events, const std::string& where) {
    write(std::max<std::size_t>(events / 100, 1), 1, where + ", 1 per batch");
    write(events / 2, 64, where + ", 64 per batch");
    write(events, 1'000, where + ", 1,000 per batch");
    write(events, 1'000, where + ", 1,000 per batch, of an outbox", false);
  }

  void read() {
    auto reader = journal_reader::open(options_);
    must(reader.has_value(), "no reader");
    for (const std::size_t size : {std::size_t{64}, std::size_t{1'000}}) {
      const stopwatch watch;
      std::size_t count = 0;
      ask_events question{.after = 0, .count_max = size, .patterns = {"*"}};
      while (count < 300'000) {
        const auto page = (**reader)(question);
        must(!page.events.empty(), "nothing to read");
        count += page.events.size();
        question.after = page.scanned;
      }
      watch.say(fmt::format("read, {} at once", size), count);
    }
  }

  void sweep() {
    journal_->begin_sweep(
        {.rules = {{"*", std::chrono::milliseconds{1}}},
         .needs = {{"*", 500'000}},
         .now = 1'800'000'000'000});
    std::vector<double> slices;
    const stopwatch watch;
    std::uint64_t deleted = 0;
    for (bool more = true; more;) {
      const double start = seconds_of(CLOCK_MONOTONIC);
      const auto slice = journal_->sweep();
      must(slice.has_value(), slice ? "" : slice.error().message);
      slices.push_back(seconds_of(CLOCK_MONOTONIC) - start);
      must(journal_->checkpoint().has_value(), "checkpoint");
      deleted += slice->deleted;
      more = slice->has_more;
    }
    watch.say("sweep", deleted);
    std::ranges::sort(slices);
    fmt::print(
        "  {} slices, of {:.2f} ms in the middle, {:.2f} ms at the 99th of 100\n",
        slices.size(),
        slices[slices.size() / 2] * 1e3,
        slices[slices.size() * 99 / 100] * 1e3);
  }

  std::uint64_t last() const { return journal_->last(); }

private:
  journal_options options_;
  system_clock time_;
  uuid_source ids_{42};
  std::vector<std::string> topics_;
  journal_state found_;
  std::unique_ptr<journal_writer> journal_;
};

} // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    fmt::print(stderr, "usage: journal_bench FOLDER [--events N]\n");
    return 2;
  }
  const std::size_t events = count == 4 ? std::strtoul(arguments[3], nullptr, 10) : 200'000;
  const std::filesystem::path folder = std::filesystem::path{arguments[1]} / "journal_bench";
  std::filesystem::remove_all(folder);
  {
    journal_options options;
    options.path = (folder / "one" / "journal.db").string();
    filled_journal one{options};
    one.series(events, "empty");
    one.write(retained, 1'000, "");
    one.series(events, "beside a million");
    one.read();
    const double start = seconds_of(CLOCK_MONOTONIC);
    one.open();
    fmt::print(
        "opened with {} events in {:.0f} ms\n",
        one.last(),
        (seconds_of(CLOCK_MONOTONIC) - start) * 1e3);
    one.sweep();
  }
  {
    journal_options options;
    options.path = (folder / "thousand" / "journal.db").string();
    filled_journal thousand{options, 1'000};
    thousand.write(events, 1'000, "1,000 topics, 1,000 per batch");
  }
  std::filesystem::remove_all(folder);
  return 0;
}

#include "runtime/broker/journal/journal.hpp"

#include "runtime/broker/journal/reader.hpp"
#include "runtime/broker/journal/writer.hpp"

#include <algorithm>
#include <iterator>

namespace troupe::broker {

namespace {

// Answers that the loop has not taken: the reader waits for it, as each may be a page of events.
constexpr std::size_t answers_max = 16;
// Four checkpoints of a journal's WAL could not end, since the reader looked into it: 16 MB.
constexpr std::int64_t large_wal_pages = 4'000;

} // namespace

outcome<std::unique_ptr<journal>> journal::open(
    const journal_options& options,
    const clock& time,
    std::function<void()> wake,
    journal_state& found) {
  TROUPE_TRY(auto store, journal_writer::open(options, time, found));
  TROUPE_TRY(auto reader, journal_reader::open(options));
  return std::unique_ptr<journal>{new journal{
      std::move(store), std::move(reader), time, options.questions_max, std::move(wake)}};
}

journal::journal(
    std::unique_ptr<journal_writer> store,
    std::unique_ptr<journal_reader> reader,
    const clock& time,
    std::size_t questions_max,
    std::function<void()> wake)
    : store_{std::move(store)}, reader_{std::move(reader)}, time_{time}, wake_{std::move(wake)},
      asked_{questions_max}, writer_{[this](const std::stop_token& stopped) {
        run_writer(stopped);
      }},
      reading_{[this](const std::stop_token& stopped) { run_reader(stopped); }} {
}

journal::~journal() {
  stop();
}

void journal::stop() {
  {
    const std::lock_guard lock{mutex_};
    is_stopped_ = true;
  }
  writer_.request_stop();
  reading_.request_stop();
  bells_.to_write.ring();
  bells_.to_read.ring();
  for (std::jthread* each : {&writer_, &reading_}) {
    if (each->joinable()) {
      each->join();
    }
  }
  reader_.reset(); // What it looks at could not be copied back.
  // All commits are on disk either way, in the WAL if this fails.
  (void)store_->checkpoint_all();
}

bool journal::write(journal_batch&& batch, std::uint64_t token) {
  {
    const std::lock_guard lock{mutex_};
    if (is_writing_ || is_stopped_) {
      return false;
    }
    is_writing_ = true;
    batch_.emplace(std::move(batch), token);
  }
  bells_.to_write.ring();
  return true;
}

bool journal::ask(journal_question&& question, std::uint64_t token, asker from) {
  {
    const std::lock_guard lock{mutex_};
    if (is_stopped_ || !asked_.add({from, std::move(question), token})) {
      return false;
    }
  }
  bells_.to_read.ring();
  return true;
}

void journal::sweep(retention&& rules, std::uint64_t token) {
  {
    const std::lock_guard lock{mutex_};
    if (is_stopped_) {
      return add_answer(token, events_swept{});
    }
    if (sweep_) {
      add_answer(sweep_->token, events_swept{}); // It has not begun, and the new one replaces it.
    }
    sweep_ = sweep_request{std::move(rules), token};
  }
  bells_.to_write.ring();
}

void journal::take_all(std::vector<journal_answer>& answers) {
  bool is_reader_waiting = false;
  {
    const std::lock_guard lock{mutex_};
    is_reader_waiting = answers_.size() >= answers_max;
    answers.insert(
        answers.end(),
        std::make_move_iterator(answers_.begin()),
        std::make_move_iterator(answers_.end()));
    answers_.clear();
    signs_.has_answers.store(false, std::memory_order_release);
  }
  if (is_reader_waiting) {
    bells_.to_read.ring();
  }
}

observe::histogram journal::commits() const {
  return store_->commits();
}

bool journal::is_writing() const {
  const std::lock_guard lock{mutex_};
  return is_writing_;
}

void journal::run_writer(const std::stop_token& stopped) {
  std::unique_lock lock{mutex_};
  for (;;) {
    bells_.to_write.wait(
        lock, [&] { return batch_ || sweep_ || sweeping_ || stopped.stop_requested(); });
    if (batch_) {
      batch_request request = std::move(*batch_);
      batch_.reset();
      lock.unlock();
      write_one(std::move(request));
    } else if (stopped.stop_requested()) {
      std::optional<sweep_request> never_begun = std::exchange(sweep_, std::nullopt);
      lock.unlock();
      end_sweep(sweeping_ ? std::move(sweeping_->so_far) : events_swept{});
      if (never_begun) {
        answer(never_begun->token, events_swept{});
      }
      return;
    } else if (sweep_) {
      sweep_request request = std::move(*sweep_);
      sweep_.reset();
      lock.unlock();
      begin_sweep(std::move(request));
    } else {
      lock.unlock();
      sweep_slice();
    }
    lock.lock();
  }
}

void journal::write_one(batch_request&& request) {
  const auto& [batch, token] = request;
  const auto done = store_->write(batch);
  signs_.is_lost.store(store_->is_lost(), std::memory_order_release);
  {
    const std::lock_guard lock{mutex_};
    is_writing_ = false;
    if (done) {
      add_answer(token, batch_written{store_->last(), store_->refused()});
    } else {
      add_answer(token, failure{done.error()});
    }
  }
  wake_();
  copy_back();
}

/// Copies the WAL back, after the answer, as no caller needs to wait for that. A fault there shows
/// at the next write.
void journal::copy_back() {
  if (store_->pages_to_copy() < large_wal_pages) {
    (void)store_->checkpoint();
    return;
  }
  // All can be copied back if no session reads a version before the last commit, and SQLite
  // restarts the WAL if no session began to read it before that: later reads need only the
  // database's file. The reader goes on meanwhile, as a disk may take seconds; a request takes
  // milliseconds.
  const auto await_end_of_question = [this] {
    {
      std::unique_lock lock{mutex_};
      pause_.begin(lock);
      pause_.end();
    }
    bells_.to_read.ring();
  };
  await_end_of_question();
  (void)store_->checkpoint();
  await_end_of_question();
}

void journal::begin_sweep(sweep_request&& request) {
  end_sweep(sweeping_ ? std::move(sweeping_->so_far) : events_swept{});
  store_->begin_sweep(request.rules);
  sweeping_ = {request.token, {}};
}

void journal::sweep_slice() {
  auto slice = store_->sweep();
  signs_.is_lost.store(store_->is_lost(), std::memory_order_release);
  if (!slice) {
    end_sweep(failure{slice.error()});
    return;
  }
  events_swept& so_far = sweeping_->so_far;
  so_far.deleted += slice->deleted;
  std::move(slice->deletions.begin(), slice->deletions.end(), std::back_inserter(so_far.deletions));
  if (!slice->has_more) {
    so_far.forgotten = std::move(slice->forgotten);
    end_sweep(std::move(so_far));
  }
  copy_back();
}

/// Answers the sweep under way, if there is one.
void journal::end_sweep(outcome<journal_result> result) {
  if (sweeping_) {
    const std::uint64_t token = sweeping_->token;
    sweeping_.reset();
    answer(token, std::move(result));
  }
}

void journal::run_reader(const std::stop_token& stopped) {
  std::unique_lock lock{mutex_};
  const auto may_read = [&] {
    return !asked_.is_empty() && pause_.is_open()
           && (answers_.size() < answers_max || stopped.stop_requested());
  };
  for (;;) {
    bells_.to_read.wait(
        lock, [&] { return may_read() || (asked_.is_empty() && stopped.stop_requested()); });
    if (asked_.is_empty()) {
      return;
    }
    const question_line::waiting next = asked_.take();
    pause_.begins();
    lock.unlock();
    const instant began = time_.now();
    auto result = reader_->answer(next.question);
    const instant::duration took = time_.now() - began;
    lock.lock();
    pause_.ends();
    asked_.answered(next.from, took);
    lock.unlock();
    pause_.answered_one();
    answer(next.token, std::move(result));
    lock.lock();
  }
}

void journal::answer(std::uint64_t token, outcome<journal_result> result) {
  {
    const std::lock_guard lock{mutex_};
    add_answer(token, std::move(result));
  }
  wake_();
}

/// With the mutex held.
void journal::add_answer(std::uint64_t token, outcome<journal_result> result) {
  answers_.push_back({token, std::move(result)});
  signs_.has_answers.store(true, std::memory_order_release);
}

} // namespace troupe::broker

#pragma once

#include "runtime/bell.hpp"
#include "runtime/broker/journal/batch.hpp"
#include "runtime/broker/journal/journal_options.hpp"
#include "runtime/broker/journal/question_line.hpp"
#include "runtime/broker/journal/questions.hpp"
#include "runtime/broker/journal/reader_pause.hpp"
#include "runtime/broker/journal/retention.hpp"
#include "runtime/clock.hpp"
#include "runtime/observe/histogram.hpp"
#include "runtime/outcome.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::broker {

class journal_reader;
class journal_writer;

/// The journal as the broker's socket loop sees it: requests in, answers out; only `open` and
/// `stop` wait. Behind it are two threads.
///
/// The writer takes one batch at a time, answers it once it is on disk, then copies the WAL back;
/// between two batches it sweeps. The reader answers requests, one after the other and fairly
/// (`question_line`), from a session of its own, so that a capability with much to catch up on
/// never delays a commit. A request made after a batch was answered sees that batch. Once the WAL
/// has grown large because of the reader, it is copied back between two requests.
///
/// Used by the loop's thread, which also destroys it. `wake` is called by the two threads.
class journal {
public:
  /// Opens the journal, waiting as long as that takes, and starts the threads. `time` outlives it.
  /// @errors of `journal_writer::open`.
  static outcome<std::unique_ptr<journal>> open(
      const journal_options& options,
      const clock& time,
      std::function<void()> wake,
      journal_state& found);

  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;
  /// As `stop`.
  ~journal();

  /// Writes the batch. @return false, with nothing done, if one is being written.
  ///
  /// Its answer is `batch_written`, or the error of `journal_writer::write`.
  bool write(journal_batch&& batch, std::uint64_t token);

  /// @return false, with nothing done, if too many questions wait already (`question_line`).
  bool ask(journal_question&& question, std::uint64_t token, asker from = asker::broker_itself);

  /// Deletes the events that these rules do not keep; answered with `events_swept` at the end. A
  /// running sweep is abandoned, and answered with the number that it has deleted.
  void sweep(retention&& rules, std::uint64_t token);

  /// Appends the available answers.
  void take_all(std::vector<journal_answer>& answers);

  /// Whether there are answers to take. Takes no lock, as the loop calls it often.
  bool has_answers() const { return signs_.has_answers.load(std::memory_order_acquire); }

  bool is_writing() const;

  /// Whether the writer can write no more, as another broker has the journal, or as it must be
  /// reopened (`journal_writer::is_lost`). Takes no lock. Set before the answer that reports it.
  bool is_lost() const { return signs_.is_lost.load(std::memory_order_acquire); }

  /// The times of batches' commits, with their fsync.
  observe::histogram commits() const;

  /// Finishes the batch and the accepted requests, abandons a sweep, and ends the threads.
  /// `take_all` then has the last answers; nothing is taken any more.
  void stop();

private:
  struct sweep_request {
    retention rules;
    std::uint64_t token = 0;
  };

  using batch_request = std::pair<journal_batch, std::uint64_t>;

  /// The sweep that is under way, on the writer's thread.
  struct sweep_progress {
    std::uint64_t token = 0;
    events_swept so_far{};
  };

  journal(
      std::unique_ptr<journal_writer> store,
      std::unique_ptr<journal_reader> reader,
      const clock& time,
      std::size_t questions_max,
      std::function<void()> wake);

  void run_writer(const std::stop_token& stopped);
  void write_one(batch_request&& request);
  void copy_back();
  void begin_sweep(sweep_request&& request);
  void sweep_slice();
  void end_sweep(outcome<journal_result> result);
  void run_reader(const std::stop_token& stopped);
  void answer(std::uint64_t token, outcome<journal_result> result);
  void add_answer(std::uint64_t token, outcome<journal_result> result);

  std::unique_ptr<journal_writer> store_;
  std::unique_ptr<journal_reader> reader_;
  const clock& time_;
  std::function<void()> wake_;
  std::optional<sweep_progress> sweeping_;

  struct {
    std::atomic<bool> has_answers{false};
    std::atomic<bool> is_lost{false};
  } signs_; // For the loop, which often looks.

  mutable std::mutex mutex_;

  struct {
    bell to_write;
    bell to_read;
  } bells_;

  bool is_stopped_ = false;
  bool is_writing_ = false;
  std::optional<batch_request> batch_;
  std::optional<sweep_request> sweep_;
  question_line asked_;
  reader_pause pause_;
  std::vector<journal_answer> answers_;
  // Last, as they use all of the above.
  std::jthread writer_;
  std::jthread reading_;
};

} // namespace troupe::broker

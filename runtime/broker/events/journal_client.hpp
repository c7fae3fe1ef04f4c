#pragma once

#include "runtime/broker/journal/journal.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace troupe::broker {

/// The event service's side of the journal's threads: each request goes with a function that gets
/// the answer. Confined to the thread of the service.
class journal_client {
public:
  using then = std::function<void(const outcome<journal_result>& result, instant now)>;

  explicit journal_client(std::unique_ptr<journal> kept) : journal_{std::move(kept)} {}

  /// Asks the journal; `go_on` gets the answer, or why there is none.
  void ask(journal_question question, instant now, then go_on);
  /// Writes a batch; none is under way.
  void write(journal_batch batch, then go_on);
  /// Deletes the events that nobody needs any more.
  void sweep(retention rules, then go_on);

  observe::histogram commits() const { return journal_->commits(); }

  bool has_answers() const { return journal_->has_answers(); }

  /// Calls the functions of all answers that have come.
  void take_answers(instant now);

private:
  std::uint64_t remember(then go_on);

  std::unique_ptr<journal> journal_;
  std::vector<journal_answer> answers_; // Reused.
  std::uint64_t tokens_ = 0;
  std::unordered_map<std::uint64_t, then> asked_;
};

} // namespace troupe::broker

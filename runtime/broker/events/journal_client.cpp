#include "runtime/broker/events/journal_client.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace troupe::broker {

namespace {

// A turn of the loop has other work; half a page of events is encoded in this time, or some hundred
// small answers.
constexpr milliseconds time_for_answers{2};

} // namespace

std::uint64_t journal_client::remember(then go_on) {
  asked_.emplace(++tokens_, std::move(go_on));
  return tokens_;
}

void journal_client::ask_for(asker whom, journal_question question, instant now, then go_on) {
  if (journal_ == nullptr) {
    return go_on(failure{why_released_}, now);
  }
  if (!journal_->ask(std::move(question), tokens_ + 1, whom)) {
    return go_on(
        failure{
            {.code = errc::overloaded,
             .message = whom == asker::broker_itself
                            ? "the journal has too many questions waiting"
                            : "the journal has too many questions waiting, or too many of yours",
             .retry_after = milliseconds{100}}},
        now);
  }
  (void)remember(std::move(go_on));
}

void journal_client::write(journal_batch batch, then go_on) {
  written_ = remember(std::move(go_on));
  (void)journal_->write(std::move(batch), written_);
}

void journal_client::sweep(retention rules, then go_on) {
  swept_ = remember(std::move(go_on));
  journal_->sweep(std::move(rules), swept_);
}

void journal_client::note_read(const outcome<journal_result>& result) {
  if (journal_ == nullptr || (!result && result.error().code == errc::overloaded)) {
    return;
  }
  if (std::exchange(reads_.fail, !result) == !result) {
    return;
  }
  if (result) {
    reads_.lines.push_back({"journal_read_again", {}});
  } else {
    reads_.lines.push_back({"journal_read_failed", {{"why", result.error().message}}});
  }
}

std::unique_ptr<journal> journal_client::release(error why) {
  why_released_ = std::move(why);
  return std::move(journal_);
}

void journal_client::refuse_all(instant now) {
  asked_.erase(written_);
  asked_.erase(swept_);
  for (const auto& [token, go_on] : std::exchange(asked_, {})) {
    go_on(failure{why_released_}, now);
  }
}

void journal_client::take_answers(instant now) {
  if (journal_->has_answers()) {
    journal_->take_all(taken_);
    std::move(taken_.begin(), taken_.end(), std::back_inserter(answers_));
    taken_.clear();
  }
  const instant until = time_.now() + time_for_answers;
  while (!answers_.empty()) {
    const journal_answer next = std::move(answers_.front());
    answers_.pop_front();
    const auto found = asked_.find(next.token);
    if (found != asked_.end()) {
      const then go_on = std::move(found->second);
      asked_.erase(found);
      go_on(next.result, now);
    }
    if (time_.now() >= until) {
      return;
    }
  }
}

} // namespace troupe::broker

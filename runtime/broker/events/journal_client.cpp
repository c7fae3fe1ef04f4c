#include "runtime/broker/events/journal_client.hpp"

#include <utility>

namespace troupe::broker {

std::uint64_t journal_client::remember(then go_on) {
  asked_.emplace(++tokens_, std::move(go_on));
  return tokens_;
}

void journal_client::ask(journal_question question, instant now, then go_on) {
  if (!journal_->ask(std::move(question), tokens_ + 1)) {
    return go_on(
        failure{
            {.code = errc::overloaded,
             .message = "the journal has too many questions waiting",
             .retry_after = milliseconds{100}}},
        now);
  }
  (void)remember(std::move(go_on));
}

void journal_client::write(journal_batch batch, then go_on) {
  (void)journal_->write(std::move(batch), remember(std::move(go_on)));
}

void journal_client::sweep(retention rules, then go_on) {
  journal_->sweep(std::move(rules), remember(std::move(go_on)));
}

void journal_client::take_answers(instant now) {
  journal_->drain(answers_);
  for (const journal_answer& each : answers_) {
    const auto found = asked_.find(each.token);
    if (found != asked_.end()) {
      const then go_on = std::move(found->second);
      asked_.erase(found);
      go_on(each.result, now);
    }
  }
  answers_.clear();
}

} // namespace troupe::broker

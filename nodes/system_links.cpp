#include "nodes/system_links.hpp"

namespace troupe {

system_links::system_links(const topology::plan& plan, const options_source& options)
    : any_{options(addresses_of(plan)).and_then(client::client::open)} {
  for (const topology::broker_plan& each : plan.brokers) {
    if (each.name == plan.events.broker) {
      keeper_ = brokers_.size();
    }
    brokers_.push_back(options({each.listen}).and_then(client::client::open));
  }
}

system_links::answers system_links::ask_broker(
    std::size_t number, const std::vector<question>& questions, milliseconds deadline) {
  return ask(brokers_[number], questions, deadline);
}

system_links::answers
system_links::ask_any(const std::vector<question>& questions, milliseconds deadline) {
  return ask(any_, questions, deadline);
}

system_links::answers
system_links::ask_journal(const std::vector<question>& questions, milliseconds deadline) {
  // Uses the client of all brokers, which follows the journal.
  return ask(keeper_ ? brokers_[*keeper_] : any_, questions, deadline);
}

system_links::answers
system_links::ask(const link& over, const std::vector<question>& questions, milliseconds deadline) {
  return over ? ask_at_once(**over, questions, deadline)
              : answers(questions.size(), failure{over.error()});
}

} // namespace troupe

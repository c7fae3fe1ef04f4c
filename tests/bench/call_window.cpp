#include "tests/bench/call_window.hpp"

#include "tests/bench/bodies.hpp"

namespace troupe::bench {

call_window::call_window(client::client& client, const target& whom, std::size_t size)
    : client_{client}, whom_{whom}, size_{size}, bodies_{bodies_for(whom)}, keys_{keys_for(whom)},
      now_{std::chrono::steady_clock::now()}, sent_at_(size) {
  for (std::size_t i = 0; i < size; ++i) {
    free_.push_back(size - 1 - i);
  }
}

outcome<void> call_window::fill() {
  calls_.clear();
  for (const std::size_t place : free_) {
    sent_at_[place] = now_;
    calls_.push_back(
        {.capability = whom_.capability,
         .operation = whom_.operation,
         .body = bodies_[submitted_ % bodies_.size()],
         .key = keys_[submitted_ % keys_.size()],
         .deadline = call_within,
         .token = place});
    ++submitted_;
  }
  free_.clear();
  error why;
  if (client_.submit(calls_, nullptr, &why) != calls_.size()) {
    return failure{why};
  }
  return {};
}

const std::vector<call_window::ended>& call_window::take(milliseconds patience) {
  client_.completions(completions_, patience);
  now_ = std::chrono::steady_clock::now();
  ended_.clear();
  for (const client::completion& each : completions_) {
    ended_.push_back({sent_at_[each.token], each.answer ? nullptr : &each.answer.error()});
    free_.push_back(each.token);
  }
  return ended_;
}

} // namespace troupe::bench

#include "tests/saga/driver.hpp"

#include <chrono>
#include <cstdio>

using namespace troupe;

/// What the machine alone costs: sagas of four steps, their bodies of about 100 bytes included.
int main() {
  const saga::plan by = *saga::plan::make(saga::test::order_saga());
  uuid_source ids{1};
  const wall_time now{std::chrono::hours{24 * 365 * 55}};
  const std::string input(100, 'i');
  const std::string reply(100, 'r');
  std::vector<saga::action> actions;
  constexpr int sagas = 200'000;
  std::size_t bytes = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < sagas; ++i) {
    saga::state state{by, ids.next(now)};
    saga::decide(by, state, saga::started{.input = input}, {now, now}, actions);
    while (!state.is_over()) {
      const auto& call = std::get<saga::call>(actions.back());
      bytes += saga::body_of(by, state, call)->size();
      saga::decide(by, state, saga::answered{call.as, reply}, {now, now}, actions);
    }
  }
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
  std::printf(
      "{\"bench\": \"saga_machine\", \"us_per_saga\": %.3f, \"us_per_decision\": %.3f, "
      "\"bytes\": %zu}\n",
      took.count() / sagas,
      took.count() / sagas / 5,
      bytes);
}

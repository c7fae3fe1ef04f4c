#include "runtime/saga/machine.hpp"
#include "runtime/saga/replay.hpp"
#include "runtime/saga/transition.hpp"
#include "tests/fuzz/target.hpp"

#include <chrono>
#include <deque>
#include <string>
#include <vector>

namespace troupe::fuzz {

namespace {

using namespace saga;

outcome<std::string> body_of_input(const facts& known) {
  return std::string{known.input};
}

step make_step(std::string name, step_kind kind, std::string undo = {}) {
  return {
      .name = name,
      .capability = "shop",
      .operation = std::move(name),
      .undo = std::move(undo),
      .kind = kind,
      .request = body_of_input};
}

const plan& order_plan() {
  static const plan made = *plan::make(
      {.operation = "place",
       .steps = {
           make_step("reserve", step_kind::compensatable, "release"),
           make_step("charge", step_kind::pivot, "refund"),
           make_step("confirm", step_kind::retriable)}});
  return made;
}

/// Rows of a journal: three bytes (kind and flags, step and round, bytes of data), then the data.
struct rows {
  explicit rows(std::string_view bytes) {
    while (bytes.size() >= 3) {
      const std::uint32_t first = static_cast<unsigned char>(bytes[0]);
      const std::uint32_t second = static_cast<unsigned char>(bytes[1]);
      const std::size_t size = static_cast<unsigned char>(bytes[2]);
      std::string& kept = data.emplace_back(bytes.substr(3, size));
      bytes.remove_prefix(3 + kept.size());
      if ((first & 0x40U) != 0) { // Only the fuzzer's luck would find a fingerprint.
        kept = start_data_of(wall_time{}, order_plan().fingerprint(), kept);
      }
      const bool has_gap = (first & 0x80U) != 0;
      all.push_back(
          {.seq = all.size() + (has_gap ? 2U : 1U),
           .kind = static_cast<record_kind>(first & 0x1fU),
           .step = second & 0x0fU,
           .round = second >> 4U,
           .data = kept});
    }
  }

  std::deque<std::string> data;
  std::vector<record> all;
};

/// A journal that can be replayed is one that a takeover goes on with.
void try_journal(std::string_view bytes) {
  rows read{bytes};
  const uuid id{};
  auto state = replay(order_plan(), id, read.all);
  if (!state) {
    return expect(!state.error().message.empty());
  }
  expect(state->next_seq == read.all.size() + 1);
  std::vector<action> actions;
  const wall_time now{std::chrono::hours{1}};
  decide(order_plan(), *state, taken_over{}, {now, now}, actions);
  for (const action& each : actions) {
    if (const auto* written = std::get_if<saga::journal>(&each)) {
      read.all.push_back(written->row);
    }
  }
  const auto again = replay(order_plan(), id, read.all);
  expect(again && *again == *state);
}

const target registered{"journal", try_journal};

} // namespace

} // namespace troupe::fuzz

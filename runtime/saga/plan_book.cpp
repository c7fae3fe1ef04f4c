#include "runtime/saga/plan_book.hpp"

#include "runtime/saga/step_table.hpp"

#include <fmt/format.h>

namespace troupe::saga {

const plan* plan_book::find(std::string_view operation) const {
  for (const plan& known : plans_) {
    if (known.what().operation == operation) {
      return &known;
    }
  }
  return nullptr;
}

outcome<const plan*>
plan_book::plan_for(store::database& session, const saga_row& row, std::uint64_t fingerprint) {
  const plan* by = find(row.operation);
  if (by == nullptr) {
    return failure{error{
        .code = errc::conflict,
        .message = fmt::format(
            "there is no saga `{}` in this program; it goes on in one that has it",
            row.operation)}};
  }
  if (by->fingerprint() == fingerprint) {
    return by;
  }
  if (const auto known = earlier_.find(fingerprint); known != earlier_.end()) {
    return known->second.get();
  }
  const auto kept = journal_table{session}.table(fingerprint);
  if (!kept) {
    return by; // The replay says what is wrong.
  }
  const auto steps = read_table(*kept, fingerprint);
  if (!steps) {
    return failure{steps.error()};
  }
  auto made = std::make_unique<plan>(plan::pinned(*steps, *by));
  untold_.push_back(made.get());
  return earlier_.emplace(fingerprint, std::move(made)).first->second.get();
}

void plan_book::keep_table(store::database& session, const plan& by, wall_time now) {
  if (by.is_pinned() || !kept_.insert(&by).second) {
    return;
  }
  kept_now_.push_back(&by);
  journal_table{session}.keep_table(by.fingerprint(), table_of(by.what()), now);
}

void plan_book::rolled_back() {
  for (const plan* each : kept_now_) {
    kept_.erase(each);
  }
  kept_now_.clear();
}

} // namespace troupe::saga

#include "runtime/saga/plan_book.hpp"

#include "runtime/saga/replay.hpp"
#include "runtime/saga/step_table.hpp"
#include "runtime/saga/transition.hpp"

#include <algorithm>
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

const plan* plan_book::find_undone_by(std::string_view operation) const {
  for (const plan& known : plans_) {
    if (!operation.empty() && known.what().undo == operation) {
      return &known;
    }
  }
  return nullptr;
}

std::uint16_t plan_book::number_of_undo(const plan& undone) const {
  const auto has_undo = [](const plan& each) { return !each.what().undo.empty(); };
  return static_cast<std::uint16_t>(
      plans_.size() + static_cast<std::size_t>(std::count_if(plans_.data(), &undone, has_undo)));
}

std::uint16_t plan_book::operation_count() const {
  const auto has_undo = [](const plan& each) { return !each.what().undo.empty(); };
  return static_cast<std::uint16_t>(
      plans_.size() + static_cast<std::size_t>(std::ranges::count_if(plans_, has_undo)));
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
  TROUPE_TRY(const auto steps, read_table(*kept, fingerprint));
  auto made = std::make_unique<plan>(plan::pinned(steps, *by));
  untold_.push_back(made.get());
  return earlier_.emplace(fingerprint, std::move(made)).first->second.get();
}

outcome<replayed> plan_book::read(store::database& session, const saga_row& row) {
  std::vector<std::string> bytes;
  const auto history = journal_table{session}.history(row.id, bytes);
  const auto table = history.empty() ? std::nullopt : fingerprint_in(history.front().row.data);
  TROUPE_TRY(const auto by, plan_for(session, row, table.value_or(0)));
  std::vector<record> rows;
  for (const dated_record& each : history) {
    rows.push_back(each.row);
  }
  TROUPE_TRY(auto current, replay(*by, row.id, rows));
  return replayed{by, std::move(current), history.back().at};
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

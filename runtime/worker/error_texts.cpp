#include "runtime/worker/error_texts.hpp"

#include "runtime/wire/envelope.hpp"
#include "runtime/wire/limits.hpp"

namespace troupe {

namespace {

constexpr std::size_t bytes_max = wire::control_bytes_max / 4;

} // namespace

void error_texts::add(const std::vector<wire::postponed>& rows) {
  for (const wire::postponed& each : rows) {
    bytes_ += each.error.size();
    count_ += each.error.empty() ? 0U : 1U;
  }
}

void error_texts::cut(std::vector<wire::postponed>& rows) const {
  if (bytes_ <= bytes_max) {
    return;
  }
  const std::size_t each_max = bytes_max / count_;
  for (wire::postponed& each : rows) {
    if (each.error.size() > each_max) {
      each.error = wire::travelling(each.error, each_max);
    }
  }
}

wire::postponed wire_form(const store::postponed_row& row) {
  return {row.position, row.attempts, row.is_dead, row.cause, row.error, row.replica};
}

} // namespace troupe

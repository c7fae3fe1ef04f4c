#pragma once

#include "runtime/store/turn/subscriptions.hpp"
#include "runtime/wire/events.hpp"

#include <cstddef>
#include <vector>

namespace troupe {

/// Keeps the texts of errors in one message to the broker within a quarter of its largest size:
/// first `add` every list of the message, then `cut` every list. The texts are for people.
class error_texts {
public:
  void add(const std::vector<wire::postponed>& rows);
  void cut(std::vector<wire::postponed>& rows) const;

private:
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
};

/// A postponed event as reported to the broker.
wire::postponed wire_form(const store::postponed_row& row);

} // namespace troupe

#pragma once

#include "actors/payments/provider.hpp"

namespace troupe::payments {

/// Stands in for a card company, and keeps its books in a file that is shared by all processes:
///
///     KEY capture|refund ORDER CENTS
///
/// one line for each operation carried out, in the order in which they were. A key that comes twice
/// is one operation asked for twice: what it says depends on the transfer alone, so a repeat needs
/// no memory, and who reads the file counts it once.
///
/// Confined to one thread; instances share the file by O_APPEND, whose writes never mix. Lines
/// survive the death of the process, not that of the machine.
class simulated_provider final : public provider {
public:
  simulated_provider(simulated_options options, const std::string& folder);
  simulated_provider(const simulated_provider&) = delete;
  simulated_provider& operator=(const simulated_provider&) = delete;
  ~simulated_provider() override;

  outcome<charge_result> charge(const transfer& from) override;
  outcome<void> refund(const transfer& to) override;

private:
  outcome<void> open_log();
  outcome<void> carry_out(std::string_view kind, const transfer& what);
  /// Whether the answer to the operation in hand gets lost.
  outcome<void> answer();

  simulated_options options_;
  std::string log_path_;
  int log_ = -1; // Opened by the first operation: most instances never have one.
  std::int64_t operations_ = 0;
};

} // namespace troupe::payments

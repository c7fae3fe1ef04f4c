#pragma once

#include "actors/payments/provider.hpp"

namespace troupe::payments {

/// A stand-in for a card company, whose books are one file that all processes share:
///
///     KEY capture|refund ORDER CENTS
///
/// one line for each operation, in the order in which they were carried out. Two lines with one key
/// are one operation that was asked for twice, and count once. An answer depends on the transfer
/// alone, so that a repeat needs no memory.
///
/// Confined to one thread. Instances share the file by O_APPEND, whose writes never mix. Lines
/// survive the death of the process, but not that of the machine.
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
  /// The answer to the present operation: an error if it is one whose answer is lost.
  outcome<void> answer();

  simulated_options options_;
  std::string log_path_;
  int log_ = -1; // Opened by the first operation, which most instances never have.
  std::int64_t operations_ = 0;
};

} // namespace troupe::payments

#include "runtime/wire/status.hpp"

#include "runtime/wire/description.hpp"
#include "runtime/wire/node_calls.hpp"
#include "tests/fuzz/messages.hpp"

namespace troupe::fuzz {

namespace {

/// What brokers and nodes tell of themselves, and what they are asked by operators.
void try_body(std::string_view bytes) {
  using namespace wire;
  try_messages<broker_status, node_status, node_description, breaker_report>(bytes);
  try_messages<standing_sagas, unsettled_effects, force_breaker, resume_saga>(bytes);
}

const target registered{"status", try_body};

} // namespace

} // namespace troupe::fuzz

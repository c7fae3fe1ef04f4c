#include "runtime/wire/login.hpp"

#include "tests/fuzz/messages.hpp"

namespace troupe::fuzz {

namespace {

void try_body(std::string_view bytes) {
  using namespace wire;
  try_messages<hello, welcome, state, pong, roster>(bytes);
}

const target registered{"login", try_body};

} // namespace

} // namespace troupe::fuzz

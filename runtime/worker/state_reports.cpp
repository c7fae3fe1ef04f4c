#include "runtime/worker/state_reports.hpp"

#include "runtime/wire/envelope.hpp"

namespace troupe {

void state_reports::tell(const group& changed, instant now) {
  send({.draining = draining_, .serves = {changed.served(now)}});
}

void state_reports::tell_all(instant now) {
  wire::state state{.draining = draining_, .serves = {}};
  for (const auto& each : groups_) {
    state.serves.push_back(each->front().served(now));
  }
  send(state);
}

void state_reports::send(const wire::state& state) {
  std::string header;
  wire::append_plain_header(header, wire::kind::state);
  const std::string body = wire::encoded(state);
  for (int link = 0; link < loop_.links(); ++link) {
    loop_.append(link, header, body);
  }
}

} // namespace troupe

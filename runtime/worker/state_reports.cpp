#include "runtime/worker/state_reports.hpp"

#include "runtime/wire/envelope.hpp"

namespace troupe {

void state_reports::tell(const group& changed, instant now) {
  const std::string state =
      wire::encoded(wire::state{.draining = draining_, .serves = {changed.served(now)}});
  for (int link = 0; link < loop_.links(); ++link) {
    send(link, state);
  }
}

void state_reports::tell_all(instant now) {
  for (int link = 0; link < loop_.links(); ++link) {
    tell_all(link, now);
  }
}

void state_reports::tell_all(int link, instant now) {
  wire::state state{.draining = draining_, .serves = {}};
  for (const auto& each : groups_) {
    state.serves.push_back(each->front().served(now));
  }
  send(link, wire::encoded(state));
}

void state_reports::send(int link, const std::string& state) {
  std::string header;
  wire::append_plain_header(header, wire::kind::state);
  loop_.append(link, header, state);
}

} // namespace troupe

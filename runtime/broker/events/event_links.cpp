#include "runtime/broker/events/event_links.hpp"

#include "runtime/wire/envelope.hpp"

namespace troupe::broker {

void event_links::reply(origin to, const uuid& id, std::string_view body) {
  header_.clear();
  wire::append_reply_header(header_, id, wire::status::ok);
  pass_answer(to, header_, body);
}

} // namespace troupe::broker

#include "runtime/actor/turn.hpp"

#include <stdexcept>

namespace troupe {

store::database& turn::database() {
  if (database_ == nullptr) {
    throw std::logic_error{"this capability has no database: the topology says `store: none`"};
  }
  return *database_;
}

pending turn::add_effect(std::string_view name, std::string request) {
  const uuid key = derived_id(id_, name);
  store::effect_row row{key, id_, std::string{name}, std::move(request)};
  store::effects{database()}.add(row, writer_);
  output_.effects.push_back(std::move(row));
  return {};
}

void turn::add_event(std::string_view topic, std::string_view key, std::string body) {
  const uuid id = derived_id(id_, std::string{topic} + "#" + std::to_string(++events_));
  store::outbox{database()}.add(id, topic, key, body);
}

} // namespace troupe

#include "runtime/worker/other_handlers.hpp"

#include "runtime/store/turn/handled_topics.hpp"
#include "runtime/wire/events.hpp"

namespace troupe {

bool other_handlers::handle(std::string_view topic) {
  if (store_ == nullptr) {
    return false;
  }
  if (!patterns_) {
    patterns_ = store::handled_topics{*store_->database}.of_others(group_.parts().incarnation);
  }
  const bool is_handled = wire::matches_any(*patterns_, topic);
  if (is_handled && told_.emplace(topic).second) {
    group_.parts().log.write(
        "event.left_alone",
        {{"capability", group_.name()},
         {"topic", std::string{topic}},
         {"reason",
          "this program has no handler for it; its events wait for one that has, which runs "
          "or was started later"}});
  }
  return is_handled;
}

} // namespace troupe

#include "runtime/security/checked_tokens.hpp"

namespace troupe::security {

outcome<const service_token*> checked_tokens::check(std::string_view text, std::int64_t now) {
  if (remembers(text, now)) {
    return &good_.find(text)->second;
  }
  TROUPE_TRY(auto checked, check_token(text, keys_, rules_, now));
  if (good_.size() >= remembered_max) {
    good_.clear();
  }
  return &good_.insert_or_assign(std::string{text}, std::move(checked)).first->second;
}

} // namespace troupe::security

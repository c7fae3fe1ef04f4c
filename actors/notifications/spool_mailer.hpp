#pragma once

#include "actors/notifications/mailer.hpp"

#include <string>

namespace troupe::notifications {

/// Puts each mail into a folder, as KEY.eml: complete and on the disk when `send` returns, or not
/// there at all. A file that is there already is left as it is.
class spool_mailer final : public mailer {
public:
  explicit spool_mailer(std::string folder) : folder_{std::move(folder)} {}

  outcome<delivery> send(const letter& mail) override;

private:
  std::string folder_;
};

} // namespace troupe::notifications

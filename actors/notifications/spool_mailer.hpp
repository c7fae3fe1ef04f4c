#pragma once

#include "actors/notifications/mailer.hpp"

#include <string>

namespace troupe::notifications {

/// Puts each mail into a folder as KEY.eml. When `send` returns, the file is complete and on the
/// disk, or not there at all. A file that is there already stays as it is.
class spool_mailer final : public mailer {
public:
  explicit spool_mailer(std::string folder) : folder_{std::move(folder)} {}

  outcome<delivery> send(const letter& mail) override;

private:
  std::string folder_;
};

} // namespace troupe::notifications

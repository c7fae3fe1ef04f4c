#pragma once

#include "actors/notifications/mailer.hpp"

#include <string>

namespace troupe::notifications {

/// Writes each mail into a folder as KEY.eml. When `send` returns, the file is complete and on the
/// disk, or does not exist. An existing file stays unchanged.
class spool_mailer final : public mailer {
public:
  explicit spool_mailer(std::string folder) : folder_{std::move(folder)} {}

  outcome<delivery> send(const letter& mail) override;

private:
  std::string folder_;
};

} // namespace troupe::notifications

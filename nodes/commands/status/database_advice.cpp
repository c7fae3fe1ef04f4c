#include "nodes/commands/status/database_advice.hpp"

#include <string_view>
#include <utility>

namespace troupe {

namespace {

constexpr std::string_view free_some_space =
    "free some space where the databases are (`df`; old before-restore-* folders, logs, backups): "
    "work then continues by itself";

// The server's message for a lock that was not granted (SQLSTATE 55P03).
constexpr std::string_view lock_refused = "another session holds the lock";
constexpr std::string_view find_the_holder =
    "SELECT pid, usename, application_name, xact_start, query FROM pg_stat_activity WHERE pid = "
    "ANY(SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity); says who holds it; "
    "pg_terminate_backend(pid) ends that, and all goes on by itself";

} // namespace

std::string database_advice(const std::string& reason, std::string otherwise) {
  if (reason.find(lock_refused) != std::string::npos) {
    return std::string{find_the_holder};
  }
  return reason.find("full") != std::string::npos ? std::string{free_some_space}
                                                  : std::move(otherwise);
}

} // namespace troupe

// troupe: the command for operators and scripts.

#include "nodes/command_line.hpp"
#include "nodes/commands/backup/backup.hpp"
#include "nodes/commands/breaker.hpp"
#include "nodes/commands/call.hpp"
#include "nodes/commands/check.hpp"
#include "nodes/commands/contract/contract.hpp"
#include "nodes/commands/dead_letters.hpp"
#include "nodes/commands/describe.hpp"
#include "nodes/commands/documents/asyncapi.hpp"
#include "nodes/commands/documents/openapi.hpp"
#include "nodes/commands/documents/topology_schema.hpp"
#include "nodes/commands/effects.hpp"
#include "nodes/commands/flag.hpp"
#include "nodes/commands/history.hpp"
#include "nodes/commands/keys.hpp"
#include "nodes/commands/manual/manual.hpp"
#include "nodes/commands/migrate/migrate.hpp"
#include "nodes/commands/output.hpp"
#include "nodes/commands/publish.hpp"
#include "nodes/commands/reconcile.hpp"
#include "nodes/commands/restore/restore.hpp"
#include "nodes/commands/saga.hpp"
#include "nodes/commands/sagas.hpp"
#include "nodes/commands/scheduled.hpp"
#include "nodes/commands/status/status.hpp"
#include "nodes/commands/tail.hpp"
#include "nodes/commands/token.hpp"
#include "nodes/commands/top/top.hpp"
#include "nodes/commands/topics.hpp"
#include "nodes/commands/traces/traces.hpp"
#include "nodes/commands/up/up.hpp"
#include "nodes/commands/version.hpp"
#include "nodes/commands/why/why.hpp"
#include "nodes/process_start.hpp"
#include "runtime/thrown.hpp"

#include <fmt/format.h>
#include <string>

namespace troupe {

namespace {

int run(int count, char** words) {
  command_line line{count, words, "troupe", "runs, calls and inspects a topology of actors"};
  line.footer(with_exit_codes());
  add_check(line);
  add_up(line);
  add_call(line);
  add_status(line);
  add_describe(line);
  add_asyncapi(line);
  add_openapi(line);
  add_contract(line);
  add_schema(line);
  add_breaker(line);
  add_publish(line);
  add_tail(line);
  add_topics(line);
  add_top(line);
  add_traces(line);
  add_why(line);
  add_token(line);
  add_dead_letters(line);
  add_scheduled(line);
  add_reconcile(line);
  add_saga(line);
  add_sagas(line);
  add_effects(line);
  add_flag(line);
  add_history(line);
  add_keys(line);
  add_rebuild(line);
  add_backup(line);
  add_restore(line);
  add_migrate(line);
  add_manual(line, version_text());
  add_version(line);
  return line.run([&](const std::string& command, const std::string& fault) {
    return print_wrong_usage(command, fault, line.has("--json"));
  });
}

} // namespace

} // namespace troupe

int main(int count, char** words) {
  troupe::begin_process(troupe::program_kind::command);
  try {
    return troupe::written_out(troupe::run(count, words));
  } catch (...) {
    troupe::print_aside(fmt::format("troupe: {}\n", troupe::what_was_thrown()));
    return troupe::exit_code::error;
  }
}

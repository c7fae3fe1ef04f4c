#include "nodes/commands/manual/topics_of_help.hpp"

namespace troupe {

const std::vector<help_topic>& help_topics() {
  static const std::vector<help_topic> all{
      {"exit-codes",
       "what commands and programs end with",
       R"(troupe:
  0  done
  1  the topology has faults
  2  wrong usage
  3  rejected by the business
  4  any other error
  5  no answer in time
troupe status --exit-code: 0 healthy, 1 degraded, 2 unreachable

troupe-broker, troupe-worker, troupe-gateway:
  0  stopped as requested
  2  wrong usage, or a topology with faults
  69 cannot serve: its port is taken, a broker or a database refuses it
  70 a bug of the program
  73 the broker's journal cannot be used
  74 a write did not reach the disk
  75 a handler, or the end of the process, took too long
)"},
      {"signals",
       "what SIGTERM, SIGHUP and others do",
       R"(SIGTERM, SIGINT  stop in order: no new work is accepted, current work is
                 finished; `troupe up`: a second Ctrl-C after half a second
                 kills the processes
SIGHUP           a gateway reads its certificates again; with `security`
                 brokers, workers and gateways read their keys again, and
                 `troupe up` passes the signal on; without it `troupe up`
                 stops in order, unless it was started with nohup
SIGKILL          loses nothing that was confirmed
)"},
      {"files",
       "what lies beside a topology",
       R"(data/NAME.db            the database of a capability
data/NAME.db-wal        what was committed last: part of the database while it
                        is in use
data/NAME.db-shm        the index of the WAL; rebuilt at the next opening
data/NAME.db.lock       the lock of its writers; names the database
data/NAME.db.next       the queue for that lock
data/journal.db         the events, at the broker that keeps them
data/before-restore-*   files that `troupe restore --from` put aside
data/moved-*            files that `troupe migrate` has moved to a server
data/NAME.db.migrating  an unfinished `troupe migrate`: run it again, or with
                        --abandon
log/NAME.log            the log of a process of `troupe up`
Copies: `troupe backup FILE FOLDER`, never *.db alone of a running system.
)"},
      {"trouble",
       "what to do when something is wrong",
       R"(1. `troupe status FILE`: the verdict, what is wrong, since when, what to do
2. `troupe status FILE --all`: everything that brokers and nodes say of
   themselves; `troupe top FILE`: the same, live
3. log/NAME.log beside the topology: the last lines of a process that ended
4. `troupe topics FILE`: who is behind; `dead-letters list`, `sagas list`,
   `effects list`: what waits for a person; `scheduled list`: events for later
5. `troupe restore FILE`, with the system stopped: whether journal and databases
   belong together
nodes/RUNBOOK.md has each message with its meaning and its remedy.
)"},
      {"time",
       "how durations and times are written",
       R"(Durations: 500ms, 5s, 1m, 2h, 7d. A number without a unit is refused.
Times: UTC, as 2026-11-24T01:54:45Z. Sizes: 4096 (bytes), 16KiB, 1MiB, 2GiB.
)"},
  };
  return all;
}

} // namespace troupe

#include "nodes/commands/status/journal_troubles.hpp"

#include "nodes/commands/output.hpp"
#include "nodes/commands/status/counted.hpp"
#include "nodes/commands/status/database_advice.hpp"
#include "nodes/text_table.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

// A subscriber that has just been sent many events may lag this long.
constexpr std::int64_t lag_patience_ms = 60'000;
// A backup may read for minutes.
constexpr std::uint64_t old_transaction_ms = 60 * 60'000;
// After this many transactions, however long they took, dead rows slow down a busy table.
constexpr std::uint64_t held_transactions_max = 1'000'000;
// How long a write failure is reported: the next attempt comes with the next event, which may take
// a while.
constexpr std::uint64_t write_failure_kept_ms = 60'000;
// How long it is reported after a later success: if space is short, small batches may still fit.
constexpr std::uint64_t mended_write_kept_ms = 5'000;

using weight = trouble::weight;

/// Collects the troubles of the journal and of its subscribers.
class journal_finder {
public:
  explicit journal_finder(const system_view& all) : all_{all} {}

  std::vector<trouble> find() {
    find_events();
    return std::move(found_);
  }

private:
  void add(trouble one) { found_.push_back(std::move(one)); }

  /// The journal answers questions and cannot write.
  void find_failed_writes() {
    const auto* const told = last_logged(all_, "journal_write_failed");
    const auto* const again = last_logged(all_, "journal_written_again");
    const bool is_written = told != nullptr && again != nullptr && again->ago_ms <= told->ago_ms;
    if (told == nullptr
        || told->ago_ms > (is_written ? mended_write_kept_ms : write_failure_kept_ms)) {
      return;
    }
    const auto why = told->fields.find("why");
    const std::string reason = why == told->fields.end() ? "" : why->second;
    add(
        {.what = fmt::format(
             "the journal at broker {} could not be written {} ago",
             all_.journal_broker,
             age_text(milliseconds{static_cast<std::int64_t>(told->ago_ms)})),
         .why = reason,
         .next = database_advice(
             reason, fmt::format("log/{}.log says more; it tries again", all_.journal_broker))});
  }

  /// The journal writes and cannot read: subscribers served from memory get every event, all others
  /// none.
  void find_failed_reads() {
    const auto* const told = last_logged(all_, "journal_read_failed");
    const auto* const again = last_logged(all_, "journal_read_again");
    if (told == nullptr || (again != nullptr && again->ago_ms <= told->ago_ms)) {
      return;
    }
    const auto why = told->fields.find("why");
    const std::string reason = why == told->fields.end() ? "" : why->second;
    add(
        {.what = fmt::format(
             "the journal at broker {} could not be read {} ago, nor since",
             all_.journal_broker,
             age_text(milliseconds{static_cast<std::int64_t>(told->ago_ms)})),
         .why = reason,
         .next = database_advice(
             reason, fmt::format("log/{}.log says more; it tries again", all_.journal_broker))});
  }

  /// A transaction left open on the journal's server.
  void find_old_transaction() {
    if (!has_old_transaction()) {
      return;
    }
    add(
        {.is = weight::waiting,
         .what = fmt::format(
             "a transaction has been open for {} on the server of the journal",
             age_text(milliseconds{static_cast<std::int64_t>(*all_.journal->oldest_ms)})),
         .why = "while it is open no dead row is removed: tables with many writes grow, and "
                "everything gets slower",
         .next = "SELECT pid, application_name, xact_start, query FROM pg_stat_activity ORDER BY "
                 "xact_start; says whose it is; pg_terminate_backend(pid) ends it"});
  }

  bool has_old_transaction() const {
    return all_.journal && all_.journal->oldest_ms.value_or(0) >= old_transaction_ms;
  }

  /// Something other than such a transaction keeps dead rows on that server, or a session whose
  /// start time this role may not see.
  void find_holder() {
    if (!all_.journal || all_.journal->holder.value_or("").empty()) {
      return;
    }
    const std::string& holder = *all_.journal->holder;
    const bool is_session = holder.starts_with("the session ");
    const std::uint64_t transactions = all_.journal->held_transactions.value_or(0);
    if ((all_.journal->held_ms.value_or(0) < old_transaction_ms
         && transactions < held_transactions_max)
        || (is_session && has_old_transaction())) {
      return;
    }
    add(
        {.is = weight::waiting,
         .what = fmt::format("dead rows are kept on the server of the journal by {}", holder),
         .why = fmt::format(
             "{} transactions began since ({} at least): tables with many writes grow, and "
             "everything gets slower",
             transactions,
             age_text(milliseconds{static_cast<std::int64_t>(all_.journal->held_ms.value_or(0))})),
         .next = is_session ? "SELECT pg_terminate_backend(pid), with the number of the session, "
                              "ends it"
                 : holder.starts_with("the replication slot ")
                     ? "if nobody needs it any more: SELECT pg_drop_replication_slot('NAME'); else "
                       "see to the standby that reads it (hot_standby_feedback)"
                 : holder.starts_with("the prepared transaction ")
                     ? "COMMIT PREPARED 'NAME', or ROLLBACK PREPARED 'NAME', ends it"
                     : "end the long query on the standby, or its hot_standby_feedback"});
  }

  /// Brokers share the journal, and none of them holds it.
  void find_lost_journal() {
    if (!all_.journal || !all_.journal_broker.empty()) {
      return;
    }
    add(
        {.what = "no broker has the journal: events wait in outboxes, publishers are refused",
         .why = !all_.journal->trouble.empty() ? all_.journal->trouble
                : all_.journal->broker.empty()
                    ? "none ever had it"
                    : fmt::format(
                        "{} took it last, and another one takes it within seconds",
                        all_.journal->broker),
         .next = all_.journal->trouble.empty()
                     ? "log/BROKER.log says why none takes it (journal_out_of_touch)"
                     : database_advice(
                         all_.journal->trouble,
                         "check the database server; the brokers retry by themselves")});
  }

  void find_events() {
    find_lost_journal();
    find_old_transaction();
    find_holder();
    if (!all_.events) {
      const auto keeper = std::ranges::find_if(
          all_.brokers, [this](const auto& each) { return each.name == all_.journal_broker; });
      if (keeper != all_.brokers.end() && keeper->said) {
        add(
            {.what = fmt::format("the journal at broker {} does not answer", all_.journal_broker),
             .why = std::string{message_of(all_.events.error())},
             .next = fmt::format("log/{}.log says whether it can read", all_.journal_broker)});
      }
      return;
    }
    find_failed_writes();
    find_failed_reads();
    for (const wire::group_state& each : all_.events->groups) {
      if (each.trouble) {
        const auto* const told = last_logged(all_, "events_stopped", [&](const auto& fields) {
          const auto name = fields.find("capability");
          return name != fields.end() && name->second == each.capability;
        });
        add(
            {.what = fmt::format("{} gets no events", each.capability),
             .lasted = told == nullptr ? std::nullopt : duration_of(told->ago_ms),
             .why = *each.trouble,
             .next = fmt::format("stop the system and ask `troupe restore {}`", all_.file)});
      } else if (each.lag > 0 && each.oldest_unacked_ms.value_or(0) >= lag_patience_ms) {
        add(
            {.is = weight::waiting,
             .what = fmt::format(
                 "{} is behind by {}", each.capability, count_of(each.lag, "event", "events")),
             .lasted = milliseconds{*each.oldest_unacked_ms},
             .why = each.nodes.empty()  ? "no node takes its events"
                    : each.retrying > 0 ? count_of(each.retrying, "failed and is", "failed and are")
                                              + " tried again"
                                        : "",
             .next = fmt::format("`troupe topics {}` says where it stands", all_.file)});
      }
    }
    for (const wire::group_state& each : all_.events->groups) {
      if (each.dead > 0) {
        add(
            {.is = weight::waiting,
             .what = fmt::format(
                 "{} of {}", count_of(each.dead, "dead letter", "dead letters"), each.capability),
             .next = fmt::format(
                 "`troupe dead-letters list {} --capability {}` says why they were given up",
                 all_.file,
                 each.capability)});
      }
    }
  }

  const system_view& all_;
  std::vector<trouble> found_;
};

} // namespace

std::vector<trouble> journal_troubles_of(const system_view& all) {
  return journal_finder{all}.find();
}

} // namespace troupe

#pragma once

#include "runtime/store/database.hpp"
#include "runtime/store/postgres/database.hpp"
#include "runtime/store/postgres/pipeline.hpp"
#include "runtime/store/postgres/statements.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::store {

/// A session over one PostgreSQL connection. Made by open_postgres(); confined to one thread at a
/// time.
///
/// Statements whose result nobody reads stay in the pipeline until one is read, or until the
/// commit: a turn that only writes waits for the server twice. An error of such a statement is
/// thrown by the next call that waits, and by everything after that until the rollback; it names
/// the message of the statement, if that is not the current one. release() and
/// rollback_to_savepoint() wait, so that a savepoint undoes exactly what failed after it.
class postgres_session final : public database {
public:
  /// Makes a connection; throws database_error.
  using connector = std::function<postgres_connection()>;

  /// @param connect also for connections after the first is lost.
  postgres_session(connector connect, postgres_options options, std::string schema);
  ~postgres_session() override;

  void begin() override;
  void commit() override;
  void rollback() noexcept override;
  void savepoint() override;
  void release() override;
  void rollback_to_savepoint() override;

  bool in_transaction() const override { return open_.has_value(); }

  std::int64_t
  run(std::string_view sql, std::span<const value> parameters, row_visitor visit) override;
  affected change(std::string_view sql, std::span<const value> parameters) override;
  void
  ask(std::string_view sql,
      std::span<const value> parameters,
      std::function<void(const row&)> each) override;
  void await() override;

  void belongs_to(std::optional<std::size_t> message) override { message_ = message; }

  void script(std::string_view sql) override;

  bool holds_whole_results() const override { return true; }

  std::int64_t changes() const override { return so_far_.changes; }

  /// If that does not help, also drops the connection to the server (`away`): the lock's holder may
  /// be waiting for a standby that will never answer because it has become the primary. With
  /// several hosts, the next one is tried first.
  void end_stalled_writer() override;

  bool has_table(std::string_view name) override;

  uuid instance() const override { return instance_; }

  bool is_lost() const override { return pipeline_.is_lost(); }

  void reconnect() override;

  /// How often this session has waited for the server.
  std::uint64_t round_trips() const { return pipeline_.round_trips(); }

  // For database.cpp.
  const PGconn* handle() const { return pipeline_.handle(); }

  void set_instance(const uuid& id) { instance_ = id; }

private:
  /// A transaction that has begun.
  struct transaction_state {
    int savepoints = 0;
    /// The error that has undone it, after which it accepts no more statements.
    std::optional<postgres_trouble> undone_by{};
    /// The rows changed by each of its statements, in order.
    std::vector<std::int64_t> counts{};
    /// Number of its first statement.
    std::uint64_t first_number = 0;
  };

  std::int64_t affected_by(std::uint64_t number) override;

  /// Throws if statements may not run now.
  /// @param doing for the message.
  void require_usable(std::string_view doing) const;
  void require_transaction(std::string_view doing) const;
  /// Notes the error that a wait found, and throws it.
  void check(std::optional<postgres_trouble> trouble);
  [[noreturn]] void throw_late(const postgres_trouble& trouble) const;
  /// @param may_wait for others like it (postgres_pipeline::send_row).
  void send(
      std::string_view sql,
      std::span<const value> parameters,
      postgres_order what,
      bool may_wait = false);

  connector connect_;
  postgres_options options_;
  std::string schema_;
  postgres_pipeline pipeline_;
  postgres_statements statements_;
  std::optional<transaction_state> open_;
  uuid instance_{};
  std::optional<std::size_t> message_;

  struct {
    std::uint64_t next_number = 0; // Of a statement.
    std::int64_t changes = 0;
    bool was_kept_waiting = false; // For a lock, in the last transaction.
    // Since when every transaction had to wait for a lock.
    std::optional<instant> waits_since{};
  } so_far_;
};

} // namespace troupe::store

#pragma once

#include "runtime/store/database.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace troupe::store {

class lending;

/// Notes how far something that is undone with a savepoint has come; returns how to go back there.
using savepoint_mark = std::function<std::function<void()>()>;

/// A session as handlers get it: for statements and their own savepoints, only during one call and
/// on one thread.
///
/// The transaction and the connection remain the owner's. Anything else that a handler tries throws
/// database_error (schema) with a message that says what to do, and is not done. The same holds for
/// any use before or after the call or by another thread, which never reaches the session. The call
/// of a handler that tried such a thing fails at its end at the latest (`lending::end`), even if
/// the handler caught the error, or got none because rollback() may not throw.
///
/// Borrows the session. Any thread.
class lent_session final : public database {
public:
  /// @param borrower for people; outlives this.
  explicit lent_session(database& of, std::string_view borrower = "a handler")
      : of_{of}, borrower_{borrower} {}

  void begin() override;
  void commit() override;
  void rollback() noexcept override;
  void savepoint() override;
  void release() override;
  void rollback_to_savepoint() override;

  bool in_transaction() const override { return use().in_transaction(); }

  std::int64_t
  run(std::string_view sql, std::span<const value> parameters, row_visitor visit) override {
    return use().run(sql, parameters, visit);
  }

  affected change(std::string_view sql, std::span<const value> parameters) override {
    return use().change(sql, parameters).through(*this);
  }

  /// Calls `each` at once: it may refer to objects that end with the handler.
  void
  ask(std::string_view sql,
      std::span<const value> parameters,
      std::function<void(const row&)> each) override {
    use().run(sql, parameters, row_visitor{each});
  }

  void await() override { use().await(); }

  void belongs_to(std::optional<std::size_t> message) override;

  void script(std::string_view sql) override { use().script(sql); }

  void checkpoint() override;
  void checkpoint_all() override;

  std::int64_t checkpoint_due() const override { return use().checkpoint_due(); }

  bool holds_whole_results() const override { return use().holds_whole_results(); }

  std::int64_t changes() const override { return use().changes(); }

  std::optional<std::uint64_t> version() const override { return use().version(); }

  bool is_lost() const override { return use().is_lost(); }

  void reconnect() override;
  void end_stalled_writer() override;

  bool has_table(std::string_view name) override { return use().has_table(name); }

  uuid instance() const override { return use().instance(); }

private:
  friend class lending;

  std::int64_t affected_by(std::uint64_t statement) override { return affected{use(), statement}; }

  /// The session, for the thread that may use it; throws for every other one, and after a fault.
  database& use() const {
    if (holder_.load(std::memory_order_relaxed) != std::this_thread::get_id()
        || has_fault_.load(std::memory_order_relaxed)) {
      throw_why_not();
    }
    return of_;
  }

  [[noreturn]] void throw_why_not() const;
  /// Notes that a handler did something it may not do. The first fault is kept.
  void note(std::string_view what) const;
  /// @param what what stands behind the borrower in a sentence.
  [[noreturn]] void refuse(std::string_view what) const;
  [[noreturn]] void refuse_own(std::string_view function) const;
  /// Undoes what the holder did since its savepoints, the last first, until it has `left` open.
  void undo_savepoints(std::size_t left);

  database& of_;
  std::string_view borrower_;
  std::atomic<std::thread::id> holder_{}; // None: it is not lent.
  savepoint_mark mark_;
  // For each savepoint that the holder has open, how to go back to it with what is no statement.
  std::vector<std::function<void()>> savepoints_;
  mutable std::atomic<bool> has_fault_{false};
  mutable std::mutex mutex_; // Guards `fault_`.
  mutable std::string fault_;
};

/// The time in which a handler may use a session: one call.
class lending {
public:
  /// Lets the calling thread use it. @param session null if there is no database.
  /// @param mark of what the handler has beside its statements, and is undone with its savepoints:
  /// the events that it publishes, say.
  explicit lending(lent_session* session, savepoint_mark mark = {});
  lending(const lending&) = delete;
  lending& operator=(const lending&) = delete;

  /// Takes the session back. What the handler wrote after open savepoints is undone; the owner
  /// decides about the rest.
  ~lending();

  /// Takes the session back after the handler has returned; throws database_error (schema) if the
  /// handler did something it may not do or left a savepoint open.
  void end();

  /// The session for the handler; null if there is none.
  database* session() const { return session_; }

private:
  lent_session* session_;
};

} // namespace troupe::store

#pragma once

#include "runtime/store/database.hpp"

#include <functional>
#include <optional>
#include <utility>

namespace troupe::store {

/// A session that fails on command: before the Nth call, so that nothing
/// happened, or after it, so that it happened and the caller cannot know.
///
/// Calls are begin, commit, savepoint, release, rollback_to_savepoint, run and script, counted from
/// 1. rollback() does not fail: it stands for the end of a session, too.
class faulty_database final : public database {
public:
  enum class when { before, after };

  /// @param inner borrowed; outlives this.
  explicit faulty_database(database& inner) : inner_{inner} {}

  /// Lets the `nth` call from now on fail, once.
  void fail(int nth, when moment, database_fault fault = database_fault::io) {
    plan_ = {calls_ + nth, moment, fault};
  }

  int calls() const { return calls_; }

  /// True if the planned failure has happened.
  bool failed() const { return failed_; }

  /// A begin that throws leaves no transaction.
  void begin() override {
    try {
      guarded([this] { inner_.begin(); });
    } catch (...) {
      inner_.rollback();
      throw;
    }
  }

  /// As the interface says, no transaction is open after a commit that throws.
  void commit() override {
    try {
      guarded([this] { inner_.commit(); });
    } catch (...) {
      inner_.rollback();
      throw;
    }
  }

  void rollback() noexcept override { inner_.rollback(); }

  void savepoint() override {
    guarded([this] { inner_.savepoint(); });
  }

  void release() override {
    guarded([this] { inner_.release(); });
  }

  void rollback_to_savepoint() override {
    guarded([this] { inner_.rollback_to_savepoint(); });
  }

  bool in_transaction() const override { return inner_.in_transaction(); }

  std::int64_t
  run(std::string_view sql, std::span<const value> parameters, row_visitor visit) override {
    std::int64_t changed = 0;
    guarded([&] { changed = inner_.run(sql, parameters, visit); });
    return changed;
  }

  void script(std::string_view sql) override {
    guarded([&] { inner_.script(sql); });
  }

  /// Makes a checkpoint due at any time, and calls `watch` in it.
  void on_checkpoint(std::function<void()> watch) { on_checkpoint_ = std::move(watch); }

  void checkpoint() override {
    if (on_checkpoint_) {
      on_checkpoint_();
    }
    inner_.checkpoint();
  }

  std::int64_t checkpoint_due() const override {
    return on_checkpoint_ ? 1 : inner_.checkpoint_due();
  }

  std::int64_t changes() const override { return inner_.changes(); }

  std::uint64_t version() const override { return inner_.version(); }

  uuid instance() const override { return inner_.instance(); }

private:
  struct plan {
    int at = 0;
    when moment = when::before;
    database_fault fault = database_fault::io;
  };

  template <class Call>
  void guarded(Call call) {
    const bool now = plan_ && ++calls_ == plan_->at;
    calls_ += plan_ ? 0 : 1;
    if (now && plan_->moment == when::before) {
      throw_planned("before the call");
    }
    call();
    if (now) {
      throw_planned("after the call, which took effect");
    }
  }

  [[noreturn]] void throw_planned(const char* where) {
    const auto fault = plan_->fault;
    plan_.reset();
    failed_ = true;
    throw database_error{fault, std::string{"a planned failure "} + where};
  }

  std::function<void()> on_checkpoint_;
  database& inner_;
  std::optional<plan> plan_;
  int calls_ = 0;
  bool failed_ = false;
};

} // namespace troupe::store

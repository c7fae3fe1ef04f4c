#pragma once

#include "runtime/store/database.hpp"

#include <algorithm>
#include <cstdint>
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

  /// What becomes of a commit that nobody answers.
  enum class lost_commit { unknown_committed, unknown_undone };

  /// Loses the connection in the next commit. @param looks how often `reconnect` finds no server.
  void lose(lost_commit how, int looks = 0) {
    losing_ = how;
    away_for_ = looks;
  }

  /// From now on `reconnect` finds the server.
  void find_server() { away_for_ = 0; }

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
    if (losing_) {
      const lost_commit how = *std::exchange(losing_, std::nullopt);
      if (how == lost_commit::unknown_committed) {
        inner_.commit();
      } else {
        inner_.rollback();
      }
      is_lost_ = true;
      throw database_error{database_fault::unknown, "a planned loss of the connection"};
    }
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
    std::int64_t rows = 0;
    bool is_wanted = true;
    auto fetch = [&](const row& each) {
      ++rows;
      is_wanted = is_wanted && visit(each);
      return is_wanted || holds_whole_results_;
    };
    guarded([&] { changed = inner_.run(sql, parameters, row_visitor{fetch}); });
    rows_fetched_ += rows;
    rows_at_once_ = std::max(rows_at_once_, rows);
    return changed;
  }

  /// From now on queries fetch all of their rows, whatever their visitors say.
  void hold_whole_results() { holds_whole_results_ = true; }

  /// The rows that queries have fetched, and the most of one of them.
  std::int64_t rows_fetched() const { return rows_fetched_; }

  std::int64_t rows_at_once() const { return rows_at_once_; }

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

  bool holds_whole_results() const override {
    return holds_whole_results_ || inner_.holds_whole_results();
  }

  std::int64_t changes() const override { return inner_.changes(); }

  std::optional<std::uint64_t> version() const override { return inner_.version(); }

  bool has_table(std::string_view name) override { return inner_.has_table(name); }

  uuid instance() const override { return inner_.instance(); }

  bool is_lost() const override { return is_lost_ || inner_.is_lost(); }

  void reconnect() override {
    if (away_for_ > 0) {
      --away_for_;
      throw database_error{database_fault::away, "a planned absence"};
    }
    inner_.reconnect();
    is_lost_ = false;
  }

private:
  struct plan {
    int at = 0;
    when moment = when::before;
    database_fault fault = database_fault::io;
  };

  template <class Call>
  void guarded(Call call) {
    if (is_lost_) {
      throw database_error{database_fault::away, "the connection is lost, as planned"};
    }
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
  std::optional<lost_commit> losing_;
  bool is_lost_ = false;
  int away_for_ = 0;
  bool holds_whole_results_ = false;
  std::int64_t rows_fetched_ = 0;
  std::int64_t rows_at_once_ = 0;
};

} // namespace troupe::store

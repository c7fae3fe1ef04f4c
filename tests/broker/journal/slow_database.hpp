#pragma once

#include "runtime/store/database.hpp"

#include <functional>
#include <memory>
#include <utility>

namespace troupe::store {

/// A session each of whose statements takes some time, which passes in a function of the test.
class slow_database final : public database {
public:
  slow_database(std::unique_ptr<database> inner, std::function<void(const database&)> pass)
      : inner_{std::move(inner)}, pass_{std::move(pass)} {}

  void begin() override { inner_->begin(); }

  void commit() override { inner_->commit(); }

  void rollback() noexcept override { inner_->rollback(); }

  void savepoint() override { inner_->savepoint(); }

  void release() override { inner_->release(); }

  void rollback_to_savepoint() override { inner_->rollback_to_savepoint(); }

  bool in_transaction() const override { return inner_->in_transaction(); }

  std::int64_t
  run(std::string_view sql, std::span<const value> parameters, row_visitor visit) override {
    pass_(*inner_);
    return inner_->run(sql, parameters, visit);
  }

  void script(std::string_view sql) override { inner_->script(sql); }

  std::int64_t changes() const override { return inner_->changes(); }

  std::optional<std::uint64_t> version() const override { return inner_->version(); }

  bool has_table(std::string_view name) override { return inner_->has_table(name); }

  uuid instance() const override { return inner_->instance(); }

private:
  const std::unique_ptr<database> inner_;
  const std::function<void(const database&)> pass_;
};

} // namespace troupe::store

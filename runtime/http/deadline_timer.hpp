#pragma once

#include "runtime/clock.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace troupe::http {

/// A deadline that is moved often and rarely reached: the underlying timer is set again only if the
/// deadline comes before it. Confined to the server's thread; a shared_ptr keeps it alive for its
/// timer.
class deadline_timer : public std::enable_shared_from_this<deadline_timer> {
public:
  explicit deadline_timer(const boost::asio::any_io_executor& executor) : timer_{executor} {}

  /// @param late called each time a deadline is reached.
  void begin(std::function<void()> late) { late_ = std::move(late); }

  /// Calls `late` once `time` has passed, unless the deadline is moved before.
  void set(milliseconds time);

  /// No deadline until the next `set`.
  void clear() { deadline_ = instant::max(); }

  /// No deadline ever again.
  void end();

private:
  void arm();
  void fire();

  boost::asio::steady_timer timer_;
  std::function<void()> late_;
  instant deadline_ = instant::max();
  /// When the timer fires.
  instant armed_for_ = instant::max();
};

} // namespace troupe::http

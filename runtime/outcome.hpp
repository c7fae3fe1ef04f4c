#pragma once

#include "runtime/error.hpp"

#include <tl/expected.hpp>
#include <utility>

namespace troupe {

/// A value, or the error that explains its absence. Not called `result` or `expected`, as CAF has
/// those.
template <class T>
using outcome = tl::expected<T, error>;

using failure = tl::unexpected<error>;

} // namespace troupe

#define TROUPE_DETAIL_JOIN(left, right) left##right
#define TROUPE_DETAIL_NUMBERED(name, number) TROUPE_DETAIL_JOIN(name, number)
#define TROUPE_DETAIL_HELD TROUPE_DETAIL_NUMBERED(troupe_held_, __COUNTER__)
#define TROUPE_DETAIL_TRY(held, declared, ...)                                                     \
  auto held = __VA_ARGS__;                                                                         \
  if (!held) {                                                                                     \
    return ::troupe::failure{std::move(held).error()};                                             \
  }                                                                                                \
  declared = *std::move(held)
#define TROUPE_DETAIL_CHECK(held, ...)                                                             \
  if (auto held = __VA_ARGS__; !held) {                                                            \
    return ::troupe::failure{std::move(held).error()};                                             \
  }                                                                                                \
  static_assert(true)

/// Declares a variable with the value of an outcome, or assigns the value to what there is already;
/// or returns the outcome's error from the function around it, which returns an `outcome` too:
///
///     TROUPE_TRY(const auto order, load(turn, request.order_id));
///     return order.total;
///
/// stands for
///
///     auto held = load(turn, request.order_id);
///     if (!held) {
///       return failure{std::move(held).error()};
///     }
///     const auto order = *std::move(held);
///
/// `auto&&` declares a reference to the value where it is; nothing is moved then. Several
/// statements, so never the body of an `if` without braces. Not for an error that something is
/// added to or done about, nor where the outcome itself is asked or passed on later: those are
/// written out.
#define TROUPE_TRY(declared, ...) TROUPE_DETAIL_TRY(TROUPE_DETAIL_HELD, declared, __VA_ARGS__)

/// Returns the error of an outcome from the function around it, as `TROUPE_TRY` does, where there
/// is no value or none is wanted: `TROUPE_CHECK(check(request));`. The outcome is gone after the
/// statement: a lock or another guard in it needs a name, and so `TROUPE_TRY`.
#define TROUPE_CHECK(...) TROUPE_DETAIL_CHECK(TROUPE_DETAIL_HELD, __VA_ARGS__)

#pragma once

#include <string_view>

namespace troupe::wire {

/// The words behind the count of one part of `group_status::sagas_trouble`, whose parts are joined
/// by "; ".
inline constexpr std::string_view follow_earlier_steps = "follow earlier steps";

} // namespace troupe::wire

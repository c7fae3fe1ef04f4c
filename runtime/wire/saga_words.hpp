#pragma once

#include <string_view>

namespace troupe::wire {

/// The words after the count in one part of `group_status::sagas_trouble`, whose parts are joined
/// by "; ".
inline constexpr std::string_view follow_earlier_steps = "follow earlier steps";

} // namespace troupe::wire

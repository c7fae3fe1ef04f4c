#pragma once

#include <cstdint>

namespace troupe {

/// 64 unpredictable bits from the operating system.
///
/// @throws std::runtime_error the system gives no random bytes.
std::uint64_t random_bits();

} // namespace troupe

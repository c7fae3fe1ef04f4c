#pragma once

#include "runtime/store/migrations.hpp"

#include <span>

namespace troupe::store {

/// The tables that every capability's database has (FORMAT.md). The first is of the first release.
std::span<const component> turn_components();

} // namespace troupe::store

#pragma once

#include "runtime/observe/span_ring.hpp"
#include "runtime/outcome.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::observe {

/// The answer to `spans` (wire/spans.hpp): what `rings` still have.
///
/// @param node who tells. @param bytes_max of the answer.
/// @errors `invalid`: the question cannot be read, or `count` is not 1 to 1,000.
outcome<std::string> told_spans(
    const span_rings& rings,
    const std::string& node,
    std::string_view question,
    std::size_t bytes_max);

} // namespace troupe::observe

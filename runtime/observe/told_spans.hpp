#pragma once

#include "runtime/observe/kept_spans.hpp"
#include "runtime/observe/span_ring.hpp"
#include "runtime/outcome.hpp"
#include "runtime/wire/spans.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::observe {

/// The answer to `spans` (wire/spans.hpp): the spans that `rings` still have.
///
/// @param node the one that answers. @param bytes_max of the answer. @param kept of other
/// processes; null if there are none.
/// @errors `invalid`: the question cannot be read, or `count` is not 1 to 1,000.
outcome<std::string> told_spans(
    const span_rings& rings,
    const std::string& node,
    std::string_view question,
    std::size_t bytes_max,
    const kept_spans* kept = nullptr);

/// A span in the form of the answer.
wire::told_span told(const span& what);

} // namespace troupe::observe

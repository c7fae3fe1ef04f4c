#pragma once

#include <string_view>

namespace troupe::observe {

/// The weight that whoever asks gives this media type, by an Accept field that names it in full: 0
/// (not at all, or not named) to 1,000. A weight that cannot be read counts as 1,000. @source RFC
/// 9110, 12.5.1.
int weight_of(std::string_view accept, std::string_view type);

} // namespace troupe::observe

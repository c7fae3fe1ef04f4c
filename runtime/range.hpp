#pragma once

namespace troupe {

/// The smallest and the largest allowed value of an option. Declared beside the option.
template <class Value>
struct range {
  Value least;
  Value most;
};

} // namespace troupe

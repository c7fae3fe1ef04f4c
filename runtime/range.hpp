#pragma once

namespace troupe {

/// The least and the most an option may be; both are allowed. Stands beside the option it is for.
template <class Value>
struct range {
  Value least;
  Value most;
};

} // namespace troupe

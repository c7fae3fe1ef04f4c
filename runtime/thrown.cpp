#include "runtime/thrown.hpp"

#include <exception>

namespace troupe {

std::string what_was_thrown() {
  try {
    throw;
  } catch (const std::exception& thrown) {
    return thrown.what();
  } catch (...) {
    return "something that is no std::exception";
  }
}

} // namespace troupe

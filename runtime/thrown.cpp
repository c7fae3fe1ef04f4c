#include "runtime/thrown.hpp"

#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <memory>
#include <typeinfo>

namespace troupe {

namespace {

struct freed {
  void operator()(char* text) const { std::free(text); }
};

/// The type name of the current exception, as written in the source.
std::string type_at_hand() {
  const std::type_info* const type = abi::__cxa_current_exception_type();
  if (type == nullptr) {
    return "an exception of another language";
  }
  int ignored = 0;
  const std::unique_ptr<char, freed> written{
      abi::__cxa_demangle(type->name(), nullptr, nullptr, &ignored)};
  return std::string{"`"}.append(written ? written.get() : type->name()).append("`");
}

} // namespace

std::string what_was_thrown() {
  try {
    throw;
  } catch (const std::exception& thrown) {
    const char* const words = thrown.what(); // Null if the author's exception returns none.
    return words != nullptr && *words != '\0' ? words : type_at_hand() + " without words";
  } catch (...) {
    return type_at_hand() + ", which is no std::exception";
  }
}

} // namespace troupe

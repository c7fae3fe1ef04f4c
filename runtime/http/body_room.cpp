#include "runtime/http/body_room.hpp"

#include "runtime/http/admission.hpp"

namespace troupe::http {

body_room::part::part(body_room& of, const std::string& address)
    : of_{of}, whose_{of.hash_(std::string_view{counted_as(address)})} {
}

body_room::part::~part() {
  of_.held_.remove(whose_, bytes_);
}

bool body_room::part::grow_to(std::size_t bytes) {
  if (bytes <= bytes_) {
    return true;
  }
  if (!of_.held_.admits(whose_, bytes - bytes_)) {
    return false;
  }
  of_.held_.add(whose_, bytes - bytes_);
  bytes_ = bytes;
  return true;
}

} // namespace troupe::http

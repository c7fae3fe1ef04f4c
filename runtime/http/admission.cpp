#include "runtime/http/admission.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace troupe::http {

std::string counted_as(const std::string& address) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  const std::string without_zone = address.substr(0, address.find('%'));
  if (::inet_pton(AF_INET6, without_zone.c_str(), bytes.data()) != 1) {
    return address;
  }
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  std::array<char, INET6_ADDRSTRLEN> printed{};
  return ::inet_ntop(AF_INET6, bytes.data(), printed.data(), printed.size());
}

admission::answer admission::enter(const std::string& address) {
  if (count_ >= most_.all) {
    return answer::too_many;
  }
  std::size_t& here = by_address_[counted_as(address)];
  if (here >= most_.per_address) {
    return answer::too_many_of_address; // `here` is not 0, so this call did not create the entry.
  }
  ++here;
  ++count_;
  return answer::admitted;
}

void admission::leave(const std::string& address) {
  const auto found = by_address_.find(counted_as(address));
  if (found == by_address_.end()) {
    return;
  }
  --count_;
  if (--found->second == 0) {
    by_address_.erase(found);
  }
}

} // namespace troupe::http

#include "runtime/client/ok_reply.hpp"

#include "runtime/wire/envelope.hpp"

#include <cstring>

namespace troupe::client {

ok_reply::ok_reply() {
  uuid other;
  other.bytes.fill(std::byte{0xff});
  std::string second;
  wire::append_reply_header(header_, {}, wire::status::ok);
  wire::append_reply_header(second, other, wire::status::ok);
  while (header_[id_at_] == second[id_at_]) {
    ++id_at_;
  }
}

bool ok_reply::matches(std::string_view header, uuid& id) const {
  const std::size_t after = id_at_ + id.bytes.size();
  if (header.size() != header_.size() || std::memcmp(header.data(), header_.data(), id_at_) != 0
      || std::memcmp(header.data() + after, header_.data() + after, header.size() - after) != 0) {
    return false;
  }
  std::memcpy(id.bytes.data(), header.data() + id_at_, id.bytes.size());
  return true;
}

} // namespace troupe::client

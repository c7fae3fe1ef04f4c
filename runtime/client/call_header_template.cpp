#include "runtime/client/call_header_template.hpp"

#include "runtime/wire/departure.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/reader.hpp"
#include "runtime/wire/writer.hpp"

#include <cstring>

namespace troupe::client {

namespace {

// Bounds the memory of a program that invents operation names.
constexpr std::size_t templates_max = 256;

} // namespace

call_header_template::call_header_template(std::string_view capability, std::string_view operation)
    : capability_{capability}, operation_{operation} {
  wire::append_call_header(bytes_, {.id = {}, .to = capability, .op = operation, .ttl = 1});
  // The position of the id is found by comparing two headers with different ids.
  uuid other;
  other.bytes.fill(std::byte{0xff});
  std::string second;
  wire::append_call_header(second, {.id = other, .to = capability, .op = operation, .ttl = 1});
  while (bytes_[id_at_] == second[id_at_]) {
    ++id_at_;
  }
  ttl_at_ = wire::scan_header(bytes_)->ttl_at;
}

void call_header_template::append(
    std::string& to,
    const uuid& id,
    std::uint32_t ttl,
    std::string_view key,
    std::string_view traceparent) const {
  const std::size_t start = to.size();
  to.append(bytes_);
  char* const header = to.data() + start;
  std::memcpy(header + id_at_, id.bytes.data(), id.bytes.size());
  wire::patch_ttl(header, ttl_at_, ttl);
  wire::writer out{to};
  // The first byte of a small map is 0x80 plus the number of entries.
  if (!key.empty()) {
    ++to[start];
    out.text("key");
    out.text(key);
  }
  if (!traceparent.empty()) {
    ++to[start];
    out.text("traceparent");
    out.text(traceparent);
  }
}

outcome<const call_header_template*>
call_headers::find(std::string_view capability, std::string_view operation) {
  if (last_ < known_.size() && known_[last_].is_for(capability, operation)) {
    return &known_[last_];
  }
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (known_[i].is_for(capability, operation)) {
      last_ = i;
      return &known_[i];
    }
  }
  const wire::departure made{.what = "the call", .to = capability, .op = operation};
  TROUPE_CHECK(wire::check_departure(made, wire::body_bytes_max));
  if (known_.size() >= templates_max) {
    known_.clear();
  }
  last_ = known_.size();
  return &known_.emplace_back(capability, operation);
}

} // namespace troupe::client

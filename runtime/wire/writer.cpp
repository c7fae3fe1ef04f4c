#include "runtime/wire/writer.hpp"

#include "runtime/bytes.hpp"

#include <msgpack/pack.hpp>

#include <bit>

namespace troupe::wire {

namespace {

struct sink {
  std::string& to;

  void write(const char* data, std::size_t size) { to.append(data, size); }
};

msgpack::packer<sink> pack(sink& to) {
  return msgpack::packer<sink>{to};
}

} // namespace

void writer::nil() {
  sink to{to_};
  pack(to).pack_nil();
}

void writer::boolean(bool value) {
  sink to{to_};
  value ? pack(to).pack_true() : pack(to).pack_false();
}

void writer::integer(std::int64_t value) {
  sink to{to_};
  pack(to).pack_int64(value);
}

void writer::unsigned_integer(std::uint64_t value) {
  sink to{to_};
  pack(to).pack_uint64(value);
}

void writer::real(double value) {
  // Avoids pack_double: it packs 2.0 as the integer 2, loses the sign of -0.0, and converts 2^64 to
  // an integer that cannot hold it (msgpack-c#1018). The type of a field must not depend on its
  // value.
  to_ += '\xcb';
  append_big_endian(to_, std::bit_cast<std::uint64_t>(value));
}

void writer::text(std::string_view value) {
  sink to{to_};
  pack(to).pack_str(static_cast<std::uint32_t>(value.size()));
  to_.append(value);
}

void writer::binary(std::string_view value) {
  sink to{to_};
  pack(to).pack_bin(static_cast<std::uint32_t>(value.size()));
  to_.append(value);
}

void writer::array(std::uint32_t elements) {
  sink to{to_};
  pack(to).pack_array(elements);
}

void writer::map(std::uint32_t entries) {
  sink to{to_};
  pack(to).pack_map(entries);
}

} // namespace troupe::wire

#pragma once

#include "runtime/ids.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace troupe::wire {

/// The bytes written as hexadecimal digits, with or without spaces: "dd ff ff".
std::string hex(std::string_view digits);

/// Lower case, no spaces.
std::string to_hex(std::string_view bytes);

/// `times` copies of `unit`.
std::string repeated(std::string_view unit, std::size_t times);

/// The file tests/wire/golden/NAME.bin. @throws std::runtime_error if there is none.
std::string golden(std::string_view name);

/// Calls `use` with each proper prefix of `bytes`, the empty one included. Each is a block of its
/// own on the heap, so that a read past its end is seen by AddressSanitizer.
void each_prefix(std::string_view bytes, const std::function<void(std::string_view)>& use);

/// Calls `use` with `bytes` in which one byte is another: for each byte, each of its bits flipped,
/// and the heads of large, odd and nested values in its place.
void each_flip(std::string_view bytes, const std::function<void(std::string_view)>& use);

/// Calls `use` with a copy of `bytes` in a heap block of exactly its size.
void exactly(std::string_view bytes, const std::function<void(std::string_view)>& use);

/// The ids of golden.py.
uuid call_id();
uuid node_incarnation();
uuid broker_incarnation();

} // namespace troupe::wire

#pragma once

#include "runtime/wire/envelope.hpp"

#include <string>
#include <string_view>

namespace troupe::wire {

/// The header of a call with `source` as its `source`, whatever its sender says there.
///
/// If there was no entry, it is added after the others, which costs a copy; a header with another
/// source is rewritten.
/// @param bytes from which `header`, of kind `call`, was scanned. Its views, and its offsets, are
/// those of the result afterwards.
/// @param buffer takes the new bytes; reused from call to call. @param source 1 to 64 bytes.
/// @return `bytes`, or the contents of `buffer`.
std::string_view put_source(
    header_view& header, std::string_view bytes, std::string_view source, std::string& buffer);

} // namespace troupe::wire

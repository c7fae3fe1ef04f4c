#pragma once

#include "runtime/wire/envelope.hpp"

#include <string_view>

namespace troupe::wire {

// Headers as Troupe's own encoder writes them, byte for byte: the common ones are recognized by
// comparing instead of parsing, which took a third of a broker's time for a call. All others are
// parsed, with the same meaning: a test reads every header both ways.

/// The bytes of every call header from after the map's byte up to the id.
inline constexpr std::string_view call_start{"\xa1v\x01\xa4kind\xa4"
                                             "call\xa2id\xc4\x10"};
/// The bytes of a reply header up to the id. Its map has 4 entries, or 5 with an error.
inline constexpr std::string_view reply_start{"\xa1v\x01\xa4kind\xa5"
                                              "reply\xa2id\xc4\x10"};
/// The bytes of an event's header, on its way into the journal or out of it, up to the id. Its map
/// has 6 to 10 entries.
inline constexpr std::string_view relay_start{"\xa1v\x01\xa4kind\xa5"
                                              "relay\xa2id\xc4\x10"};
inline constexpr std::string_view event_start{"\xa1v\x01\xa4kind\xa5"
                                              "event\xa2id\xc4\x10"};
inline constexpr std::string_view ok_end{"\xa6status\xa2ok"};
inline constexpr std::string_view pending_end{"\xa6status\xa7pending"};

/// Reads `bytes` into `header` if it is a call without a trace, a reply without an error, or an
/// event, as our encoder writes them, with short ASCII names. Returns false, with `header`
/// unchanged, for any other.
bool read_known_header(std::string_view bytes, header_view& header);

} // namespace troupe::wire

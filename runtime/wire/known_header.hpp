#pragma once

#include "runtime/wire/envelope.hpp"

#include <string>
#include <string_view>

namespace troupe::wire {

// The headers that this program's own encoder writes, byte for byte, so that the common ones are
// read by comparing instead of by parsing (a third of the time a broker spends on a call). Whatever
// looks otherwise goes the general way, and means the same: a test reads every header both ways.

/// What follows the map's byte in every call header up to the id's 16 bytes.
inline constexpr std::string_view call_start{"\xa1v\x01\xa4kind\xa4"
                                             "call\xa2id\xc4\x10"};
/// The same of a reply, whose map has 4 entries, or 5 with an error.
inline constexpr std::string_view reply_start{"\xa1v\x01\xa4kind\xa5"
                                              "reply\xa2id\xc4\x10"};
/// The same of an event on its way into the journal or out of it, whose map has 6 to 10 entries.
inline constexpr std::string_view relay_start{"\xa1v\x01\xa4kind\xa5"
                                              "relay\xa2id\xc4\x10"};
inline constexpr std::string_view event_start{"\xa1v\x01\xa4kind\xa5"
                                              "event\xa2id\xc4\x10"};
inline constexpr std::string_view ok_end{"\xa6status\xa2ok"};
inline constexpr std::string_view pending_end{"\xa6status\xa7pending"};

/// Reads `bytes` into `header` if it is a call with a key at most, a reply without an error, or an
/// event, as our encoder writes them, with short ASCII names. False, and nothing known, if it is
/// not.
bool read_known_header(std::string_view bytes, header_view& header);

} // namespace troupe::wire

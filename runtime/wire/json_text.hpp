#pragma once

#include <string>
#include <string_view>

namespace troupe::wire {

/// Appends `text` as JSON, quoted and escaped; bytes that are not UTF-8 become replacement
/// characters.
void append_json_text(std::string& to, std::string_view text);

} // namespace troupe::wire

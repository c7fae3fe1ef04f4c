#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::http {

/// Field names with their values, in the order of the message.
using field_list = std::vector<std::pair<std::string, std::string>>;

/// The value of the first entry called `name`, or nothing.
std::optional<std::string_view> find(const field_list& fields, std::string_view name);

/// The values of all entries called `name`, as one list: several fields mean the same as one with
/// all values. @source RFC 9110, 5.3.
std::string listed(const field_list& fields, std::string_view name);

/// Whether `letter` may be in a token, such as a field's name. @source RFC 9110, 5.6.2.
bool is_token_letter(char letter);
bool is_token(std::string_view text);

/// Whether `text` may be a field's value: no control characters except the tab. @source RFC 9110,
/// 5.5.
bool is_field_value(std::string_view text);

/// `text` without spaces and tabs around it.
std::string_view trimmed(std::string_view text);

/// ASCII letters in lower case.
std::string lower_case(std::string_view text);

/// The members of a comma-separated list, in lower case, without empty ones. Quotes have no special
/// meaning: a proxy that appends to a list cannot know that one is open. @source RFC 9110, 5.6.1.
std::vector<std::string> list_members(std::string_view value);

} // namespace troupe::http

#pragma once

#include "actors/notifications/effects.hpp"
#include "runtime/ids.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace troupe::notifications {

/// Whether `text` is NAME@DOMAIN in the plain form of addresses: letters, digits and what RFC 5322
/// calls atext, with dots between; no quotes, no spaces, no start of another header line.
bool is_address(std::string_view text);

/// The address of a customer: `customer` itself if it is an address, else CUSTOMER@DOMAIN. Nothing
/// if that is no address.
std::optional<std::string> address_of(std::string_view customer, std::string_view domain);

/// The mail that confirms an order, headers and body. The same wish and key give the same bytes.
/// @source RFC 5322, 3.6.
std::string
letter_text(const send_confirmation& wish, std::string_view from, std::string_view message_id);

/// "<KEY@DOMAIN>", in the domain of `from`.
std::string message_id_of(const uuid& key, std::string_view from);

} // namespace troupe::notifications

#include "runtime/wire/message.hpp"

#include "runtime/wire/check.hpp"

#include <fmt/format.h>

namespace troupe::wire {

error decode_fault::to_error(std::string_view type) const {
  if (path.empty()) {
    return invalid(fmt::format("body{}{}: {}", type.empty() ? "" : " of ", type, what));
  }
  return invalid(fmt::format("field `{}`: {}", path, what));
}

namespace detail {

bool fail(decode_fault& fault, std::string what) {
  fault.what = std::move(what);
  return false;
}

bool fail_type(decode_fault& fault, std::string_view expected, value_type got) {
  return fail(fault, fmt::format("expected {}, got {}", expected, name_of(got)));
}

void prepend(decode_fault& fault, std::string_view name) {
  const bool needs_dot = !fault.path.empty() && fault.path.front() != '[';
  fault.path = fmt::format("{}{}{}", name, needs_dot ? "." : "", fault.path);
}

void prepend(decode_fault& fault, std::size_t index) {
  const bool needs_dot = !fault.path.empty() && fault.path.front() != '[';
  fault.path = fmt::format("[{}]{}{}", index, needs_dot ? "." : "", fault.path);
}

bool decode_text(reader& from, std::string& to, decode_fault& fault) {
  std::string_view text;
  if (!from.read_text(text)) {
    return fail_type(fault, "text", from.peek());
  }
  if (!is_utf8(text)) {
    return fail(fault, std::string{not_utf8});
  }
  to = text;
  return true;
}

outcome<void> check_written(const writer& from, std::string_view type) {
  if (from.refusal().empty()) {
    return {};
  }
  return failure{error{
      .code = errc::internal,
      .message = fmt::format(
          "nobody could read `{}`: field `{}`: {}; the program has to make another one",
          type,
          from.refused_field(),
          from.refusal()),
      .details = {{"reason", "unreadable"}, {"field", std::string{from.refused_field()}}}}};
}

error unreadable_answer(const error& why) {
  return internal_error(
      fmt::format(
          "the call was answered, and this program cannot read the answer ({}); what was asked for "
          "has been done",
          why.message),
      effect::unknown);
}

bool decode_uuid(reader& from, uuid& to, decode_fault& fault) {
  std::string_view bytes;
  std::optional<uuid> id;
  if (from.read_binary(bytes)) {
    id = uuid_from(std::as_bytes(std::span{bytes}));
  } else if (from.read_text(bytes)) {
    id = parse_uuid(bytes); // JSON clients write ids as text.
  }
  if (!id) {
    return fail(fault, "expected a UUID: 16 bytes, or text of 36 characters");
  }
  to = *id;
  return true;
}

bool decode_raw(reader& from, raw_value& to, decode_fault& fault) {
  to.bytes.clear();
  std::string_view bytes;
  if (from.read_nil()) {
    return true;
  }
  if (!from.read_raw(bytes)) {
    return fail_type(fault, "a value", from.peek());
  }
  to.bytes = bytes;
  return true;
}

} // namespace detail

} // namespace troupe::wire

#include "runtime/contract/regular_expression.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8 // NOLINT(cppcoreguidelines-macro-usage): the library's interface.
#include <array>
#include <fmt/format.h>
#include <pcre2.h>

namespace troupe::contract {

outcome<regular_expression> regular_expression::compile(std::string_view text) {
  int why = 0;
  PCRE2_SIZE where = 0;
  pcre2_code* const code = pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(text.data()),
      text.size(),
      PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED,
      &why,
      &where,
      nullptr);
  if (code == nullptr) {
    std::array<unsigned char, 256> message{};
    pcre2_get_error_message(why, message.data(), message.size());
    return failure{invalid(fmt::format(
        "`{}` is no regular expression: {} at offset {}",
        text,
        reinterpret_cast<const char*>(message.data()),
        where))};
  }
  return regular_expression{std::shared_ptr<void>{
      code, [](void* made) { pcre2_code_free(static_cast<pcre2_code*>(made)); }}};
}

regular_expression::answer regular_expression::match(std::string_view text) const {
  const auto* const code = static_cast<const pcre2_code*>(code_.get());
  pcre2_match_data* const matched = pcre2_match_data_create_from_pattern(code, nullptr);
  const int found = pcre2_match(
      code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0, matched, nullptr);
  pcre2_match_data_free(matched);
  if (found == PCRE2_ERROR_MATCHLIMIT || found == PCRE2_ERROR_HEAPLIMIT
      || found == PCRE2_ERROR_DEPTHLIMIT) {
    return answer::too_costly;
  }
  return found >= 0 ? answer::fits : answer::does_not;
}

} // namespace troupe::contract

#include "runtime/security/audit_line.hpp"

#include "runtime/security/rules.hpp"
#include "runtime/wire/error_map.hpp"

namespace troupe::security {

namespace {

constexpr std::size_t value_bytes_max = 512;

} // namespace

std::vector<std::pair<std::string, std::string>>
audit_line(const refused_act& refused, std::uint64_t count) {
  std::vector<std::pair<std::string, std::string>> fields{
      {"who", std::string{refused.who.empty() ? rules::anonymous : refused.who}}};
  const auto add = [&](const char* name, std::string_view value) {
    if (!value.empty()) {
      fields.emplace_back(name, wire::travelling(value, value_bytes_max));
    }
  };
  add("act", refused.act);
  add("what", refused.what);
  add("rule", refused.rule);
  add("from", refused.from);
  add("why", refused.why);
  fields.emplace_back("refused", std::to_string(count));
  return fields;
}

} // namespace troupe::security

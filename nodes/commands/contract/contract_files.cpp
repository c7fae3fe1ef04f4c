#include "nodes/commands/contract/contract_files.hpp"

#include "runtime/contract/pact_file.hpp"
#include "runtime/text_file.hpp"

#include <cstddef>
#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

constexpr std::size_t contract_bytes_max = 64U << 20U;

} // namespace

outcome<std::vector<contract::pact>> read_contracts(const std::vector<std::string>& files) {
  std::vector<contract::pact> all;
  for (const std::string& file : files) {
    const auto text = read_text_file(file, contract_bytes_max);
    if (!text) {
      return failure{invalid(fmt::format("{}: it cannot be read: {}", file, text.error().message))};
    }
    if (text->size() > contract_bytes_max) {
      return failure{invalid(fmt::format("{}: it is too large for a contract", file))};
    }
    auto read = contract::read_pact(*text);
    if (!read) {
      return failure{invalid(fmt::format("{}: {}", file, read.error().message))};
    }
    if (read->interactions.empty()) {
      return failure{
          invalid(fmt::format("{}: it has no interactions, and would always hold", file))};
    }
    all.push_back(*std::move(read));
  }
  if (all.empty()) {
    return failure{invalid("no contract is given")};
  }
  return all;
}

} // namespace troupe

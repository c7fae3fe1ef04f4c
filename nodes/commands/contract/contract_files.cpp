#include "nodes/commands/contract/contract_files.hpp"

#include "runtime/contract/pact_file.hpp"

#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <utility>

namespace troupe {

outcome<std::vector<contract::pact>> read_contracts(const std::vector<std::string>& files) {
  std::vector<contract::pact> all;
  for (const std::string& file : files) {
    std::ifstream in{file, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    if (!in || !text) {
      return failure{invalid(fmt::format("{}: it cannot be read", file))};
    }
    auto read = contract::read_pact(text.str());
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

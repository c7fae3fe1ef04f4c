#include "tests/nodes/commands_fixture.hpp"

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sys/wait.h>

namespace troupe {

result commands_fixture::run(std::string_view command, const std::string& words) {
  return run_words(fmt::format("{} --broker {} {}", command, broker.endpoint(), words));
}

result commands_fixture::run_words(const std::string& words) {
  const std::string line = fmt::format("{} {} 2>{}/err", TROUPE_COMMAND, words, folder);
  result got;
  FILE* const pipe = ::popen(line.c_str(), "r");
  BOOST_REQUIRE(pipe != nullptr);
  std::array<char, 4096> buffer{};
  for (std::size_t size = 0; (size = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    got.out.append(buffer.data(), size);
  }
  const int status = ::pclose(pipe);
  got.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  std::ifstream errors{folder + "/err"};
  got.err.assign(std::istreambuf_iterator<char>{errors}, {});
  return got;
}

} // namespace troupe

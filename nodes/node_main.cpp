#include "nodes/node_main.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fmt/format.h>

namespace troupe {

int node_main(
    int count,
    char** words,
    const std::string& does,
    const std::string& which,
    const std::function<int(const node_arguments&)>& run) {
  node_arguments given;
  std::string log_format = "text";
  CLI::App app{does};
  app.add_option("file", given.file, "the topology")->required();
  app.add_option("--node", given.node, which)->required();
  app.add_option("--log", log_format, "text or json, on stderr")
      ->check(CLI::IsMember({"text", "json"}));
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& fault) {
    return app.exit(fault) == 0 ? node_exit::ok : node_exit::bad_file;
  }
  given.log_json = log_format == "json";
  try {
    return run(given);
  } catch (const std::exception& fault) {
    fmt::print(stderr, "{}: {}\n", words[0], fault.what());
    return node_exit::internal;
  }
}

} // namespace troupe

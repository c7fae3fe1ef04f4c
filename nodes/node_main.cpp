#include "nodes/node_main.hpp"

#include "nodes/command_line.hpp"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fmt/format.h>

namespace troupe {

int node_main(
    int count,
    char** words,
    const std::string& does,
    const std::string& which,
    const std::function<int(const node_arguments&)>& run) {
  const std::string program = std::filesystem::path{words[0]}.filename();
  node_arguments given;
  std::string log_format = "text";
  command_line line{count, words, program, does};
  line.word("file", given.file, "the topology")
      .required_option("--node", given.node, which)
      .option("--log", log_format, "text or json, on stderr", one_of({"text", "json"}))
      .runs([&] {
        given.log_json = log_format == "json";
        return run(given);
      });
  try {
    return line.run([&](const std::string&, const std::string& fault) {
      fmt::print(stderr, "{}: {}\n`{} --help` says how it is used\n", program, fault, program);
      return node_exit::bad_file;
    });
  } catch (const std::exception& fault) {
    fmt::print(stderr, "{}: {}\n", program, fault.what());
    return node_exit::internal;
  }
}

} // namespace troupe

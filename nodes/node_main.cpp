#include "nodes/node_main.hpp"

#include "nodes/actor_types.hpp"
#include "nodes/command_line.hpp"
#include "nodes/process_start.hpp"
#include "runtime/thrown.hpp"
#include "topology/read.hpp"

#include <cstdio>
#include <filesystem>
#include <fmt/format.h>

namespace troupe {

namespace {

command& declare(
    command_line& line, node_arguments& given, std::string& log_format, const std::string& which) {
  return line.word("file", given.file, "the topology")
      .required_option("--node", given.node, which)
      .option("--log", log_format, "text or json, on stderr", one_of({"text", "json"}))
      .option(
          "--text-fd",
          given.text_fd,
          "the descriptor of a file with the topology as it was read before, by `troupe up`",
          3,
          1'048'576);
}

} // namespace

command_page node_page(const std::string& program) {
  const std::string kind = program.substr(program.find('-') + 1);
  const std::string which =
      fmt::format("which of its {}", kind == "worker" ? std::string{"nodes"} : kind + "s");
  node_arguments given;
  std::string log_format;
  char* no_words[] = {const_cast<char*>(program.c_str()), nullptr};
  command_line line{
      1,
      no_words,
      program,
      fmt::format("runs one {} of a topology", kind == "worker" ? "worker node" : kind)};
  declare(line, given, log_format, which);
  line.footer(
      "0 stopped as told; 2 wrong usage or a topology with faults; 69 cannot serve; 70 a fault of "
      "the program; 73 the journal cannot be used; 74 what was written did not reach the disk; 75 "
      "a handler or the end took too long.");
  return line.page();
}

int node_main(
    int count,
    char** words,
    const std::string& does,
    const std::string& which,
    const std::function<int(const node_arguments&)>& run) {
  begin_process(program_kind::node);
  const std::string program = std::filesystem::path{words[0]}.filename();
  node_arguments given;
  std::string log_format = "text";
  command_line line{count, words, program, does};
  declare(line, given, log_format, which).runs([&] {
    given.log_json = log_format == "json";
    return run(given);
  });
  try {
    return line.run([&](const std::string&, const std::string& fault) {
      fmt::print(stderr, "{}: {}\n`{} --help` explains its usage\n", program, fault, program);
      return node_exit::bad_file;
    });
  } catch (...) {
    fmt::print(stderr, "{}: {}\n", program, what_was_thrown());
    return node_exit::internal;
  }
}

std::variant<topology::plan, topology::faults> read_topology(const node_arguments& given) {
  return given.text_fd == 0
             ? topology::read_file(given.file, actor_types())
             : topology::read_open(static_cast<int>(given.text_fd), given.file, actor_types());
}

} // namespace troupe

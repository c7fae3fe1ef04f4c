#include "nodes/node_main.hpp"

#include "nodes/command_line.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace troupe {

namespace {

/// Opens those of the descriptors 0 to 2 that are closed: the next file, a database, would get the
/// number, and what is written to stderr with it.
void keep_standard_descriptors() {
  for (int each = STDIN_FILENO; each <= STDERR_FILENO; ++each) {
    if (::fcntl(each, F_GETFD) < 0) {
      (void)::open("/dev/null", O_RDWR); // Gets the lowest number that is free.
    }
  }
}

} // namespace

int node_main(
    int count,
    char** words,
    const std::string& does,
    const std::string& which,
    const std::function<int(const node_arguments&)>& run) {
  keep_standard_descriptors();
  // A reader of the log that leaves makes a write fail, and ends nothing.
  (void)std::signal(SIGPIPE, SIG_IGN);
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

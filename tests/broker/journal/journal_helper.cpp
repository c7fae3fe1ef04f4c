// The process that journal_crash_test.cpp lets die.
//
//   journal_helper PATH    writes batches of three events, and prints the last position of each one
//                          that is on disk

#include "runtime/broker/journal/writer.hpp"

#include <fmt/format.h>
#include <memory>
#include <string>
#include <unistd.h>

namespace {

using namespace troupe;
using namespace troupe::broker;

constexpr int batches = 100;

} // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    return 1;
  }
  journal_options options;
  options.path = arguments[1];
  const system_clock time;
  journal_state found;
  auto journal = journal_writer::open(options, time, found);
  if (!journal) {
    return 2;
  }
  uuid_source ids;
  std::uint64_t last = found.last;
  for (int i = 0; i < batches; ++i) {
    journal_batch batch;
    for (int n = 0; n < 3; ++n) {
      auto made = std::make_shared<event>();
      made->position = ++last;
      made->id = ids.next(time.wall());
      made->topic = "a";
      made->body = std::to_string(last);
      batch.events.push_back(std::move(made));
    }
    if (!(*journal)->write(batch)) {
      return 3;
    }
    const std::string line = fmt::format("{}\n", last);
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) {
      return 4;
    }
  }
  return 0;
}

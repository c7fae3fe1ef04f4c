#include "runtime/reconciler/invariants_file.hpp"

#include "runtime/text_file.hpp"
#include "topology/yaml.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe::reconcile {

invariants_file read_invariants_file(std::string path) {
  invariants_file read{std::move(path)};
  const auto text = read_text_file(read.path, topology::yaml_bytes_max);
  if (!text) {
    read.faults.push_back(
        {{},
         fmt::format("the file of invariants cannot be read: {}", text.error().message),
         "make it, or name another one"});
    return read;
  }
  topology::yaml_document document = topology::parse_yaml(*text);
  read.faults = std::move(document.faults);
  if (document.complete) {
    read.all = read_invariants(document.tree, read.faults);
  }
  return read;
}

std::string text_of_faults(const invariants_file& read) {
  std::string text;
  for (const fault& each : read.faults) {
    text += read.path;
    if (each.at.line != 0) {
      text += fmt::format(":{}:{}", each.at.line, each.at.column);
    }
    text += fmt::format(": {}\n  next: {}\n", each.what, each.remedy);
  }
  return text;
}

} // namespace troupe::reconcile

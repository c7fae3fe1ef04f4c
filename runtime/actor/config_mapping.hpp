#pragma once

#include "runtime/config.hpp"
#include "runtime/wire/message.hpp"

#include <chrono>
#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

namespace detail {

/// The text of the scalar `tree`; null and a fault if it is no scalar.
const std::string*
scalar_of(const config_tree& tree, const std::string& what, std::vector<fault>& faults);
bool read_integer(
    const config_tree& tree,
    const std::string& what,
    std::int64_t least,
    std::int64_t most,
    std::int64_t& value,
    std::vector<fault>& faults);

} // namespace detail

template <wire::message T>
void read_config(
    const config_tree& tree, const std::string& what, T& value, std::vector<fault>& faults);

inline void read_config(
    const config_tree& tree,
    const std::string& what,
    std::string& value,
    std::vector<fault>& faults) {
  if (const std::string* text = detail::scalar_of(tree, what, faults)) {
    value = *text;
  }
}

void read_config(
    const config_tree& tree, const std::string& what, bool& value, std::vector<fault>& faults);
void read_config(
    const config_tree& tree, const std::string& what, double& value, std::vector<fault>& faults);
void read_config(
    const config_tree& tree,
    const std::string& what,
    std::chrono::milliseconds& value,
    std::vector<fault>& faults);

template <std::integral T>
void read_config(
    const config_tree& tree, const std::string& what, T& value, std::vector<fault>& faults) {
  std::int64_t wide = 0;
  constexpr std::int64_t most = std::numeric_limits<T>::digits >= 63
                                    ? std::numeric_limits<std::int64_t>::max()
                                    : static_cast<std::int64_t>(std::numeric_limits<T>::max());
  constexpr auto least = static_cast<std::int64_t>(std::numeric_limits<T>::min());
  if (detail::read_integer(tree, what, least, most, wide, faults)) {
    value = static_cast<T>(wide);
  }
}

template <class T>
void read_config(
    const config_tree& tree,
    const std::string& what,
    std::optional<T>& value,
    std::vector<fault>& faults) {
  read_config(tree, what, value.emplace(), faults);
}

template <class T>
void read_config(
    const config_tree& tree,
    const std::string& what,
    std::vector<T>& values,
    std::vector<fault>& faults) {
  if (tree.is != config_tree::kind::list) {
    faults.push_back({tree.at, what + " is not a list", "write it as [a, b]"});
    return;
  }
  for (const config_tree& each : tree.items) {
    read_config(each, what, values.emplace_back(), faults);
  }
}

template <class T>
void read_config(
    const config_tree& tree,
    const std::string& what,
    std::map<std::string, T>& values,
    std::vector<fault>& faults) {
  if (tree.is != config_tree::kind::map) {
    faults.push_back({tree.at, what + " is not a map", "write it as {key: value}"});
    return;
  }
  for (const config_tree::entry& each : tree.entries) {
    read_config(each.value, what + "." + each.key, values[each.key], faults);
  }
}

/// Reads an actor's `config` into the message `value`. Adds a fault with line and column for each
/// key that the message lacks (with the nearest one it has) and each value of the wrong kind. A
/// member whose key is absent keeps its value, so its initializer is the default.
template <wire::message T>
void read_config(
    const config_tree& tree, const std::string& what, T& value, std::vector<fault>& faults) {
  if (tree.is == config_tree::kind::null) {
    return;
  }
  if (tree.is != config_tree::kind::map) {
    faults.push_back({tree.at, what + " is not a map", "write it as {key: value}"});
    return;
  }
  config_reader keys{tree, what, faults};
  std::apply(
      [&](const auto&... each) {
        const auto read = [&](const auto& field) {
          if (const config_tree* found = keys.tree(field.name)) {
            read_config(*found, what + "." + std::string{field.name}, value.*field.member, faults);
          }
        };
        (read(each), ...);
      },
      troupe_fields(static_cast<const T*>(nullptr)));
  keys.finish();
}

/// A fault in a `config` whose values have the right types, and its remedy.
struct config_problem {
  std::string what;
  std::string remedy;
};

} // namespace troupe

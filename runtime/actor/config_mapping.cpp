#include "runtime/actor/config_mapping.hpp"

#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace troupe {

namespace detail {

const std::string*
scalar_of(const config_tree& tree, const std::string& what, std::vector<fault>& faults) {
  if (tree.is == config_tree::kind::scalar) {
    return &tree.text;
  }
  faults.push_back({tree.at, what + " is not a single value", "write one value after the colon"});
  return nullptr;
}

bool read_integer(
    const config_tree& tree,
    const std::string& what,
    std::int64_t least,
    std::int64_t most,
    std::int64_t& value,
    std::vector<fault>& faults) {
  const std::string* text = scalar_of(tree, what, faults);
  if (text == nullptr) {
    return false;
  }
  const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (fault != std::errc{} || end != text->data() + text->size() || value < least || value > most
      || has_idle_zero(*text)) {
    faults.push_back(
        {tree.at,
         fmt::format("{} is `{}`", what, *text),
         fmt::format(
             "give a whole number from {} to {}{}",
             least,
             most,
             has_idle_zero(*text) ? ", without a zero in front" : "")});
    return false;
  }
  return true;
}

} // namespace detail

void read_config(
    const config_tree& tree, const std::string& what, bool& value, std::vector<fault>& faults) {
  const std::string* text = detail::scalar_of(tree, what, faults);
  if (text == nullptr) {
    return;
  }
  if (*text != "true" && *text != "false") {
    faults.push_back({tree.at, fmt::format("{} is `{}`", what, *text), "write true or false"});
    return;
  }
  value = *text == "true";
}

void read_config(
    const config_tree& tree, const std::string& what, double& value, std::vector<fault>& faults) {
  const std::string* text = detail::scalar_of(tree, what, faults);
  if (text == nullptr) {
    return;
  }
  const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (fault != std::errc{} || end != text->data() + text->size() || !std::isfinite(value)) {
    faults.push_back({tree.at, fmt::format("{} is `{}`", what, *text), "give a number"});
  }
}

void read_config(
    const config_tree& tree,
    const std::string& what,
    std::chrono::milliseconds& value,
    std::vector<fault>& faults) {
  const std::string* text = detail::scalar_of(tree, what, faults);
  if (text == nullptr) {
    return;
  }
  const auto duration = parse_duration(*text);
  if (duration && *duration > duration_max) {
    faults.push_back(
        {tree.at,
         fmt::format("{} is `{}`", what, *text),
         fmt::format("give a duration of {} at most", duration_text(duration_max))});
  } else if (duration) {
    value = *duration;
  } else {
    faults.push_back(
        {tree.at,
         fmt::format("{} is `{}`", what, *text),
         "give a duration with its unit, such as 250ms or 5s"});
  }
}

} // namespace troupe

#include "runtime/strangler/comparison.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace troupe::strangler {

namespace {

using nlohmann::json;

// Deeper values are not compared but reported as too deep, since comparing takes stack.
constexpr std::size_t depth_max = 64;

/// The values of all fields called `name`, in order; nothing if there are none.
std::optional<std::string> field_of(const http::response& answer, std::string_view name) {
  std::optional<std::string> all;
  for (const auto& [each, value] : answer.fields) {
    if (http::lower_case(each) == name) {
      all = all ? *all + ", " + value : value;
    }
  }
  return all;
}

bool is_json(const http::response& answer) {
  const std::string type = http::lower_case(field_of(answer, "content-type").value_or(""));
  const std::string_view name = http::trimmed(std::string_view{type}.substr(0, type.find(';')));
  return name == "application/json" || name.ends_with("+json");
}

/// `key` as a part of a JSON pointer.
/// @source RFC 6901, 3.
std::string escaped(std::string_view key) {
  std::string text;
  for (const char letter : key) {
    text += letter == '~' ? "~0" : letter == '/' ? "~1" : std::string(1, letter);
  }
  return text;
}

std::vector<std::string> parts_of(std::string_view pointer) {
  std::vector<std::string> parts;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    parts.emplace_back(pointer.substr(0, end));
    pointer.remove_prefix(end);
  }
  return parts;
}

/// As `json::type_name`, but with one type for all numbers.
std::string_view kind_of(const json& value) {
  return value.is_number()    ? "a number"
         : value.is_string()  ? "a text"
         : value.is_boolean() ? "a boolean"
         : value.is_null()    ? "null"
         : value.is_array()   ? "a list"
                              : "an object";
}

/// Whether two numbers are exactly equal; doubles cannot represent every integer.
bool is_same_number(const json& one, const json& other) {
  if (one.is_number_float() == other.is_number_float()) {
    // Integers are stored as unsigned or as negative; comparing the two would cast one of them.
    return one.type() == other.type() && one == other;
  }
  const json& whole = one.is_number_float() ? other : one;
  const auto fraction = (one.is_number_float() ? one : other).get<double>();
  // From this number on, one double stands for several integers.
  constexpr double exact_max = 9'007'199'254'740'992.0;
  return fraction > -exact_max && fraction < exact_max && whole.get<double>() == fraction;
}

class body_comparison {
public:
  body_comparison(const comparison_rules& rules, std::vector<difference>& found) : found_{found} {
    for (const std::string& each : rules.ignored) {
      ignored_.push_back(parts_of(each));
    }
  }

  void compare(const json& legacy, const json& modern) {
    if (is_full() || is_ignored()) {
      return;
    }
    if (path_.size() > depth_max) {
      return add("deeper than is compared");
    }
    if (kind_of(legacy) != kind_of(modern)) {
      add(fmt::format("{}, not {}", kind_of(modern), kind_of(legacy)));
    } else if (legacy.is_object()) {
      compare_objects(legacy, modern);
    } else if (legacy.is_array()) {
      compare_lists(legacy, modern);
    } else if (legacy.is_number() ? !is_same_number(legacy, modern) : legacy != modern) {
      add(fmt::format("another {}", kind_of(legacy).substr(kind_of(legacy).find(' ') + 1)));
    }
  }

private:
  bool is_full() const { return found_.size() >= differences_max; }

  bool is_ignored() const {
    return std::ranges::any_of(ignored_, [this](const auto& parts) {
      return parts.size() == path_.size()
             && std::equal(
                 parts.begin(), parts.end(), path_.begin(), [](const auto& rule, const auto& part) {
                   return rule == "*" || rule == part;
                 });
    });
  }

  void add(std::string what) {
    found_.push_back({path_.empty() ? "body" : fmt::format("/{}", fmt::join(path_, "/")), what});
  }

  void compare_objects(const json& legacy, const json& modern) {
    std::set<std::string> keys;
    for (const json* side : {&legacy, &modern}) {
      for (const auto& each : side->items()) {
        keys.insert(each.key());
      }
    }
    for (const std::string& key : keys) {
      compare_member(escaped(key), find(legacy, key), find(modern, key));
    }
  }

  static const json* find(const json& object, const std::string& key) {
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
  }

  void compare_lists(const json& legacy, const json& modern) {
    for (std::size_t i = 0; i < std::max(legacy.size(), modern.size()) && !is_full(); ++i) {
      compare_member(
          std::to_string(i),
          i < legacy.size() ? &legacy[i] : nullptr,
          i < modern.size() ? &modern[i] : nullptr);
    }
  }

  void compare_member(std::string part, const json* legacy, const json* modern) {
    path_.push_back(std::move(part));
    if (legacy != nullptr && modern != nullptr) {
      compare(*legacy, *modern);
    } else if (!is_full() && !is_ignored()) {
      add(modern == nullptr ? "missing" : "not there in legacy");
    }
    path_.pop_back();
  }

  std::vector<std::vector<std::string>> ignored_;
  std::vector<std::string> path_;
  std::vector<difference>& found_;
};

void compare_bodies(
    const http::response& legacy,
    const http::response& modern,
    const comparison_rules& rules,
    std::vector<difference>& found) {
  if (std::max(legacy.body.size(), modern.body.size()) > compared_bytes_max) {
    found.push_back({"body", "larger than is compared"});
    return;
  }
  if (is_json(legacy) && is_json(modern)) {
    const json old = json::parse(legacy.body, nullptr, false);
    const json now = json::parse(modern.body, nullptr, false);
    if (!old.is_discarded() && !now.is_discarded()) {
      return body_comparison{rules, found}.compare(old, now);
    }
  }
  if (legacy.body != modern.body) {
    found.push_back({"body", "other bytes"});
  }
}

} // namespace

bool is_safe(http::method which) {
  return which == http::method::get || which == http::method::head;
}

std::vector<difference> differences_of(
    const http::response& legacy, const http::response& modern, const comparison_rules& rules) {
  std::vector<difference> found;
  if (legacy.status != modern.status) {
    found.push_back({"status", fmt::format("{}, not {}", modern.status, legacy.status)});
    return found; // With different statuses the bodies are about different things.
  }
  for (const std::string& name : rules.fields) {
    const auto old = field_of(legacy, name);
    const auto now = field_of(modern, name);
    if (old != now && found.size() < differences_max) {
      found.push_back(
          {"field " + name,
           !now   ? "missing"
           : !old ? "not there in legacy"
                  : "another value"});
    }
  }
  if (legacy.status < 400) {
    compare_bodies(legacy, modern, rules, found);
  }
  return found;
}

} // namespace troupe::strangler

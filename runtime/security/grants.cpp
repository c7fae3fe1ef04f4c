#include "runtime/security/grants.hpp"

#include "runtime/contains.hpp"

#include <algorithm>
#include <array>

namespace troupe::security {

namespace {

constexpr std::string_view own = "troupe.";

constexpr std::array<std::string_view, act_count> names{"call", "publish", "subscribe", "read"};

bool any_covers(const std::vector<std::string>& rights, std::string_view name) {
  return std::ranges::any_of(rights, [&](const std::string& each) { return covers(each, name); });
}

/// Whether a right covers `name`; Troupe's own names must be named explicitly.
bool any_names(const std::vector<std::string>& rights, std::string_view name) {
  const bool is_own = name.starts_with(own);
  return std::ranges::any_of(rights, [&](const std::string& each) {
    return covers(each, name) && !(is_own && each == "*");
  });
}

/// Letters, digits, `_` and dots, without empty parts.
bool is_path(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.'
      || text.find("..") != std::string_view::npos) {
    return false;
  }
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '.';
  });
}

} // namespace

bool covers(std::string_view right, std::string_view name) {
  if (right == "*") {
    return true;
  }
  if (!right.ends_with(".*")) {
    return right == name;
  }
  right.remove_suffix(1);
  return name.size() > right.size() && name.starts_with(right);
}

bool grants::may_call(std::string_view capability, std::string_view operation) const {
  std::string name;
  name.reserve(capability.size() + operation.size() + 1);
  name += capability;
  name += '.';
  name += operation;
  return any_names(call, name);
}

bool grants::may_publish(std::string_view topic) const {
  return any_names(publish, topic) || (topic.starts_with(own) && any_names(call, topic));
}

bool grants::may_subscribe(std::string_view pattern) const {
  return any_covers(subscribe, pattern);
}

bool grants::may_read(std::string_view pattern) const {
  return any_covers(read, pattern) || (pattern.starts_with(own) && any_names(call, pattern));
}

void grants::add(const grants& other) {
  const auto append = [](std::vector<std::string>& to, const std::vector<std::string>& from) {
    for (const std::string& each : from) {
      if (!contains(to, each)) {
        to.push_back(each);
      }
    }
  };
  append(call, other.call);
  append(publish, other.publish);
  append(subscribe, other.subscribe);
  append(read, other.read);
}

std::string_view name_of(act what) {
  return names.at(static_cast<std::size_t>(what));
}

std::vector<std::string>& rights_to(act what, grants& of) {
  constexpr std::array members{&grants::call, &grants::publish, &grants::subscribe, &grants::read};
  return of.*members.at(static_cast<std::size_t>(what));
}

const std::vector<std::string>& rights_to(act what, const grants& of) {
  return rights_to(what, const_cast<grants&>(of)); // The cast modifies nothing.
}

bool is_call_right(std::string_view text) {
  if (text == "*") {
    return true;
  }
  if (text.ends_with(".*")) {
    text.remove_suffix(2);
    return is_path(text);
  }
  return is_path(text) && text.find('.') != std::string_view::npos;
}

} // namespace troupe::security

#include "runtime/contract/file_node.hpp"

#include "runtime/contract/json_place.hpp"

#include <fmt/format.h>

namespace troupe::contract {

file_node file_node::operator[](std::string_view key) const {
  std::string place = place_.empty() ? std::string{key} : place_ + key_in_path(key);
  if (value_ != nullptr && value_->is_object()) {
    if (const auto found = value_->find(std::string{key}); found != value_->end()) {
      return file_node{*found, std::move(place), *fault_};
    }
  } else if (value_ != nullptr) {
    refuse("an object is wanted");
  }
  return file_node{std::move(place), *fault_};
}

const json& file_node::value() const {
  static const json nothing;
  return value_ == nullptr ? nothing : *value_;
}

std::string file_node::text() const {
  if (!value().is_string()) {
    refuse(is_absent() ? "is missing" : "text is wanted");
    return {};
  }
  return value().get<std::string>();
}

std::string file_node::text_or(std::string_view otherwise) const {
  return is_absent() ? std::string{otherwise} : text();
}

bool file_node::flag_or(bool otherwise) const {
  if (is_absent()) {
    return otherwise;
  }
  if (!value().is_boolean()) {
    refuse("true or false is wanted");
    return otherwise;
  }
  return value().get<bool>();
}

std::size_t file_node::count() const {
  if (!value().is_number_integer() || value() < 0) {
    refuse(is_absent() ? "is missing" : "a whole number is wanted");
    return 0;
  }
  return value().get<std::size_t>();
}

std::vector<file_node> file_node::items() const {
  std::vector<file_node> all;
  if (is_absent()) {
    return all;
  }
  if (!value_->is_array()) {
    refuse("an array is wanted");
    return all;
  }
  for (std::size_t i = 0; i < value_->size(); ++i) {
    all.push_back(file_node{(*value_)[i], fmt::format("{}[{}]", place_, i), *fault_});
  }
  return all;
}

std::vector<file_node::member> file_node::members() const {
  std::vector<member> all;
  if (is_absent()) {
    return all;
  }
  if (!value_->is_object()) {
    refuse("an object is wanted");
    return all;
  }
  for (const auto& each : value_->items()) {
    all.push_back({each.key(), (*this)[each.key()]});
  }
  return all;
}

void file_node::refuse(std::string_view what) const {
  if (!*fault_) {
    *fault_ = invalid(fmt::format("{}: {}", place_.empty() ? "the file" : place_, what));
  }
}

} // namespace troupe::contract

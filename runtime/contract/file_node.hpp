#pragma once

#include "runtime/error.hpp"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::contract {

using json = nlohmann::json;

/// A value of a contract file with its place there. Whatever is read of it, the first fault of the
/// file is kept, and what is missing has a default. Borrows the file and the fault.
class file_node {
public:
  file_node(const json& value, std::string place, std::optional<error>& fault)
      : value_{&value}, place_{std::move(place)}, fault_{&fault} {}

  /// The member `key` of an object; an absent one if there is none.
  file_node operator[](std::string_view key) const;

  bool is_absent() const { return value_ == nullptr; }

  /// The value; null if it is absent.
  const json& value() const;

  std::string text() const;
  std::string text_or(std::string_view otherwise) const;
  bool flag_or(bool otherwise) const;
  std::size_t count() const;

  /// The values of an array, or nothing if it is absent.
  std::vector<file_node> items() const;

  struct member;
  /// The members of an object, in the order of their keys, or nothing if it is absent.
  std::vector<member> members() const;

  /// Notes that something is wrong here: "interactions[2].response.status: ...".
  void refuse(std::string_view what) const;

private:
  explicit file_node(std::string place, std::optional<error>& fault)
      : place_{std::move(place)}, fault_{&fault} {}

  const json* value_ = nullptr;
  std::string place_;
  std::optional<error>* fault_;
};

struct file_node::member {
  std::string key;
  file_node node;
};

} // namespace troupe::contract

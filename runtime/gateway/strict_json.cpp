#include "runtime/gateway/strict_json.hpp"

#include "runtime/wire/check.hpp"
#include "runtime/wire/json.hpp"

#include <fmt/format.h>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::gateway {

namespace {

using json = nlohmann::json;

/// Builds the parsed value, and stops at anything that `strict_json` refuses.
class strict_builder final : public nlohmann::json_sax<json> {
public:
  explicit strict_builder(json& root) : root_{root} {}

  bool null() override { return add(nullptr); }

  bool boolean(bool value) override { return add(value); }

  bool number_integer(number_integer_t value) override { return add(value); }

  bool number_unsigned(number_unsigned_t value) override { return add(value); }

  bool number_float(number_float_t value, const string_t& text) override {
    if (text.find_first_of(".eE") == string_t::npos) {
      return refuse("the integer has more than 64 bits");
    }
    return add(value); // The parser reports a number beyond the range of doubles.
  }

  bool string(string_t& value) override { return add(std::move(value)); }

  bool binary(binary_t&) override { return refuse("binary is no JSON"); }

  bool start_object(std::size_t) override { return open(json::object()); }

  bool key(string_t& value) override {
    key_ = std::move(value);
    return open_.back()->contains(key_) ? refuse("the key comes twice") : true;
  }

  bool end_object() override { return close(); }

  bool start_array(std::size_t) override { return open(json::array()); }

  bool end_array() override { return close(); }

  bool parse_error(
      std::size_t byte, const std::string&, const nlohmann::detail::exception& why) override {
    if (dynamic_cast<const json::out_of_range*>(&why) != nullptr) {
      return refuse("the number is too large");
    }
    fault_ = invalid(fmt::format("the body is no JSON (RFC 8259, in UTF-8): see byte {}", byte));
    return false;
  }

  const std::optional<error>& fault() const { return fault_; }

private:
  /// The slot for the next value; null if it would be nested too deeply.
  json* place() {
    if (open_.empty()) {
      return &root_;
    }
    json& into = *open_.back();
    if (into.is_array()) {
      into.push_back(nullptr);
      return &into.back();
    }
    return &into[key_];
  }

  template <class Value>
  bool add(Value&& value) {
    *place() = std::forward<Value>(value);
    return true;
  }

  bool open(json empty) {
    if (open_.size() == wire::depth_max) {
      return refuse(fmt::format("it is nested deeper than {} levels", wire::depth_max));
    }
    keys_.push_back(has_key() ? key_ : "");
    json* const at = place();
    *at = std::move(empty);
    open_.push_back(at);
    return true;
  }

  bool close() {
    open_.pop_back();
    keys_.pop_back();
    return true;
  }

  bool has_key() const { return !open_.empty() && open_.back()->is_object(); }

  /// JSON pointer to the next value. Built on demand, since keys may be long.
  std::string pointer() const {
    std::string made;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      const bool is_last = i + 1 == open_.size();
      const json& in = *open_[i];
      if (in.is_array()) {
        made = pointer_to(made, std::to_string(is_last ? in.size() : in.size() - 1));
      } else {
        made = pointer_to(made, is_last ? key_ : keys_[i + 1]);
      }
    }
    return made;
  }

  bool refuse(std::string_view what) {
    fault_ = wrong_json(pointer(), what);
    return false;
  }

  json& root_;
  // The open containers. Each is the last child of the previous one, so none moves while listed
  // here.
  std::vector<json*> open_;
  // The keys of the open containers in their parents.
  std::vector<std::string> keys_;
  std::string key_;
  std::optional<error> fault_;
};

} // namespace

outcome<json> strict_json(std::string_view text) {
  if (const std::string passed = wire::passed_over_in_json(text); !passed.empty()) {
    return failure{invalid("the body is no JSON: " + passed)};
  }
  json root;
  strict_builder builder{root};
  const bool good = json::sax_parse(text, &builder);
  if (builder.fault()) {
    return failure{*builder.fault()};
  }
  return good ? outcome<json>{std::move(root)} : failure{invalid("the body is no JSON")};
}

error wrong_json(std::string pointer, std::string_view what) {
  error made = invalid(
      pointer.empty() ? fmt::format("the body: {}", what) : fmt::format("`{}`: {}", pointer, what));
  made.details.emplace_back("pointer", std::move(pointer));
  return made;
}

std::string pointer_to(const std::string& pointer, std::string_view key) {
  std::string made = pointer + "/";
  for (const char c : key) {
    made += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  }
  return made;
}

} // namespace troupe::gateway

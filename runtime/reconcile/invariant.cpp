#include "runtime/reconcile/invariant.hpp"

#include "runtime/contains.hpp"
#include "runtime/ids.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <span>
#include <utility>

namespace troupe::reconcile {

namespace {

constexpr milliseconds settle_max = std::chrono::hours{24 * 30};
constexpr std::size_t terms_max = 16;

int field_number(std::vector<std::string>& fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name);
  if (found == fields.end()) {
    fields.emplace_back(name);
    return static_cast<int>(fields.size()) - 1;
  }
  return static_cast<int>(found - fields.begin());
}

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char each) { return each == ' ' || each == '\t'; };
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

bool is_name(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](unsigned char each) {
    return std::isalnum(each) != 0 || each == '_';
  });
}

/// "left.amount" or "12".
std::optional<term> read_term(std::string_view word, invariant& of) {
  term made;
  if (word.starts_with("left.") && is_name(word.substr(5))) {
    made.is_left = true;
    made.field = field_number(of.left_fields, word.substr(5));
    return made;
  }
  if (word.starts_with("right.") && is_name(word.substr(6))) {
    made.field = field_number(of.right_fields, word.substr(6));
    return made;
  }
  const auto read = std::from_chars(word.data(), word.data() + word.size(), made.number);
  const bool is_number = read.ec == std::errc{} && read.ptr == word.data() + word.size();
  return is_number && !word.starts_with('-') ? std::optional{made} : std::nullopt;
}

/// Terms with + and - between them.
std::optional<std::vector<term>> read_sum(std::string_view text, invariant& of) {
  std::vector<term> sum;
  bool is_negative = false;
  while (sum.size() < terms_max) {
    const std::size_t end = text.find_first_of("+-");
    auto made = read_term(trimmed(text.substr(0, end)), of);
    if (!made) {
      return std::nullopt;
    }
    made->is_negative = is_negative;
    sum.push_back(*made);
    if (end == std::string_view::npos) {
      return sum;
    }
    is_negative = text[end] == '-';
    text.remove_prefix(end + 1);
  }
  return std::nullopt;
}

std::optional<comparison> read_comparison(const std::string& text, invariant& of) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    return std::nullopt;
  }
  auto one = read_sum(std::string_view{text}.substr(0, equals), of);
  auto other = read_sum(std::string_view{text}.substr(equals + 1), of);
  if (!one || !other) {
    return std::nullopt;
  }
  return comparison{std::move(*one), std::move(*other), text};
}

source read_source(config_reader& keys, const char* side, std::vector<fault>& faults) {
  source read;
  keys.require(side, fmt::format("say where the rows of the {} side come from", side));
  const config_tree* const tree = keys.tree(side);
  if (tree == nullptr) {
    return read;
  }
  read.at = tree->at;
  config_reader own{*tree, fmt::format("`{}`", side), faults};
  for (const auto& [key, to] :
       {std::pair{"capability", &read.capability},
        std::pair{"query", &read.query},
        std::pair{"rows", &read.rows},
        std::pair{"key", &read.key}}) {
    own.require(key, "say which");
    *to = own.text(key).value_or("");
  }
  read.changed = own.text("changed").value_or("");
  read.where = own.text("where").value_or("");
  read.is = own.texts("is").value_or(std::vector<std::string>{});
  if (read.where.empty() != read.is.empty()) {
    own.add_fault(
        read.where.empty() ? "is" : "where",
        "stands alone",
        "give `where: FIELD` and `is: [TEXT, ...]` together, or neither");
  }
  own.finish();
  return read;
}

match read_match(config_reader& keys) {
  const std::string word = keys.text("match").value_or("both");
  constexpr std::pair<std::string_view, match> words[] = {
      {"none", match::none}, {"left", match::left}, {"right", match::right}, {"both", match::both}};
  for (const auto& [name, value] : words) {
    if (word == name) {
      return value;
    }
  }
  keys.add_fault(
      "match",
      fmt::format("is `{}`", word),
      "take left (each row there has one at the right), right, both or none");
  return match::both;
}

invariant read_one(const config_tree::entry& entry, std::vector<fault>& faults) {
  invariant read;
  read.name = entry.key;
  read.at = entry.at;
  config_reader keys{entry.value, fmt::format("invariant `{}`", entry.key), faults};
  read.left = read_source(keys, "left", faults);
  read.right = read_source(keys, "right", faults);
  read.settle = keys.duration("settle", milliseconds{0}, settle_max).value_or(read.settle);
  read.matched = read_match(keys);
  for (const std::string& side : keys.texts("unique").value_or(std::vector<std::string>{})) {
    read.is_left_unique = read.is_left_unique || side == "left";
    read.is_right_unique = read.is_right_unique || side == "right";
    if (side != "left" && side != "right") {
      keys.add_fault("unique", fmt::format("names `{}`", side), "it is a list of left and right");
    }
  }
  for (const std::string& text : keys.texts("equal").value_or(std::vector<std::string>{})) {
    if (auto made = read_comparison(text, read)) {
      read.equal.push_back(std::move(*made));
    } else {
      keys.add_fault(
          "equal",
          fmt::format("has `{}`, which is no comparison", text),
          "write `left.FIELD = right.FIELD`, with sums and differences of fields and numbers");
    }
  }
  keys.finish();
  return read;
}

/// The message type of the rows of `query`; null if a fault was found, or the type is unknown.
const wire::message_schema*
rows_type(const source& from, const wire::actor_description& type, std::vector<fault>& faults) {
  const wire::operation_description* const asked = type.find(from.query);
  if (asked == nullptr) {
    faults.push_back(
        {from.at,
         fmt::format("capability `{}` has no operation `{}`", from.capability, from.query)
             + did_you_mean(from.query, type.operation_names()),
         "name one of its queries"});
    return nullptr;
  }
  if (asked->kind != wire::operation_kind::query) {
    faults.push_back(
        {from.at,
         fmt::format("`{}.{}` is no query: it changes something", from.capability, from.query),
         "name a query"});
    return nullptr;
  }
  const auto named = [&](const std::string& name) -> const wire::message_schema* {
    const auto found =
        std::ranges::find_if(type.types, [&](const auto& each) { return each.name == name; });
    return found == type.types.end() ? nullptr : &*found;
  };
  const wire::message_schema* const reply = asked->reply ? named(*asked->reply) : nullptr;
  if (reply == nullptr) {
    return nullptr; // Its reply is made by code without a declared type.
  }
  for (const auto& field : reply->fields) {
    if (field.name == from.rows && field.type.is == wire::form::message
        && field.type.within.size() == 1) {
      return named(field.type.message.value_or(""));
    }
  }
  faults.push_back(
      {from.at,
       fmt::format(
           "what `{}.{}` answers has no list of rows `{}`", from.capability, from.query, from.rows),
       "name the field of its reply that is a list of messages"});
  return nullptr;
}

/// Whether values of a type can be compared. Others, such as numbers with a fraction, would be
/// refused at the first row.
bool is_comparable(const wire::value_schema& type) {
  switch (type.is) {
  case wire::form::number:
  case wire::form::list:
  case wire::form::map:
  case wire::form::message:
    return false;
  default:
    return type.within.empty();
  }
}

void check_source(
    const source& from,
    const std::vector<std::string>& fields,
    const described& of,
    std::vector<fault>& faults) {
  const wire::actor_description* const type = of(from.capability);
  if (type == nullptr) {
    faults.push_back(
        {from.at,
         fmt::format("there is no capability `{}`", from.capability),
         "name one of the topology"});
    return;
  }
  const wire::message_schema* const row = rows_type(from, *type, faults);
  if (row == nullptr) {
    return;
  }
  std::vector<std::string> needed = fields;
  for (const std::string* each : {&from.key, &from.changed, &from.where}) {
    if (!each->empty()) {
      needed.push_back(*each);
    }
  }
  std::vector<std::string> names;
  for (const auto& field : row->fields) {
    names.push_back(field.name);
    const bool is_needed = contains(needed, field.name);
    if (is_needed && !is_comparable(field.type)) {
      faults.push_back(
          {from.at,
           fmt::format(
               "field `{}` of a row of `{}.{}` is no integer, text, id or truth value",
               field.name,
               from.capability,
               from.query),
           "name a field that can be compared exactly, such as an amount in cents"});
    }
  }
  for (const std::string& each : needed) {
    if (!contains(names, each)) {
      faults.push_back(
          {from.at,
           fmt::format("a row of `{}.{}` has no field `{}`", from.capability, from.query, each)
               + did_you_mean(each, names),
           "name one of its fields"});
    }
  }
}

} // namespace

std::int64_t rule_of(const invariant& of) {
  std::string text = of.name;
  const auto add = [&text](std::string_view word) {
    text += '\0';
    text += word;
  };
  for (const source* each : {&of.left, &of.right}) {
    for (const std::string* word :
         {&each->capability, &each->query, &each->rows, &each->key, &each->changed, &each->where}) {
      add(*word);
    }
    for (const std::string& word : each->is) {
      add(word);
    }
    text += '\1';
  }
  text += fmt::format(
      "{}{:d}{:d}", static_cast<int>(of.matched), of.is_left_unique, of.is_right_unique);
  for (const comparison& each : of.equal) {
    add(each.text);
  }
  return static_cast<std::int64_t>(digest_of(std::as_bytes(std::span{text})));
}

std::vector<invariant> read_invariants(const config_tree& file, std::vector<fault>& faults) {
  std::vector<invariant> all;
  config_reader keys{file, "the file of invariants", faults};
  keys.require("invariants", "give a map from names to invariants");
  if (const config_tree* const tree = keys.tree("invariants")) {
    if (tree->is != config_tree::kind::map) {
      keys.add_fault("invariants", "is no map", "give each invariant a name");
    }
    for (const config_tree::entry& each : tree->entries) {
      all.push_back(read_one(each, faults));
    }
  }
  keys.finish();
  return all;
}

void check(const std::vector<invariant>& all, const described& of, std::vector<fault>& faults) {
  for (const invariant& each : all) {
    check_source(each.left, each.left_fields, of, faults);
    check_source(each.right, each.right_fields, of, faults);
  }
}

} // namespace troupe::reconcile

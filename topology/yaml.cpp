#include "topology/yaml.hpp"

#include <algorithm>
#include <exception>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace troupe::topology {

namespace {

using kind = config_tree::kind;

// Thrown through yaml-cpp's parser, which cannot be stopped in another way; caught in `parse_yaml`.
struct stop_reading {
  fault reason;
};

file_position position_of(const YAML::Mark& mark) {
  return mark.is_null() ? file_position{} : file_position{mark.line + 1, mark.column + 1};
}

/// Number of nodes plus bytes of text.
std::size_t weight_of(const config_tree& tree) {
  std::size_t weight = 1 + tree.text.size();
  for (const config_tree& item : tree.items) {
    weight += weight_of(item);
  }
  for (const config_tree::entry& entry : tree.entries) {
    weight += entry.key.size() + weight_of(entry.value);
  }
  return weight;
}

std::size_t depth_of(const config_tree& tree) {
  std::size_t deepest = 0;
  for (const config_tree& item : tree.items) {
    deepest = std::max(deepest, depth_of(item));
  }
  for (const config_tree::entry& entry : tree.entries) {
    deepest = std::max(deepest, depth_of(entry.value));
  }
  return deepest + (tree.is == kind::list || tree.is == kind::map ? 1 : 0);
}

/// Builds the tree from the parser's events.
class tree_builder final : public YAML::EventHandler {
public:
  explicit tree_builder(std::vector<fault>& found) : found_{found} {}

  config_tree take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_) {
      throw stop_reading{
          {position_of(mark), "a second YAML document starts here", "keep one document per file"}};
    }
    started_ = true;
  }

  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    finish({.is = kind::null, .at = position_of(mark)}, anchor);
  }

  void OnScalar(
      const YAML::Mark& mark,
      const std::string& /*tag*/,
      YAML::anchor_t anchor,
      const std::string& value) override {
    finish({.is = kind::scalar, .at = position_of(mark), .text = value}, anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) {
      throw stop_reading{
          {position_of(mark),
           "an alias stands inside its own anchor",
           "write the value out instead of the alias"}};
    }
    if (open_.size() + depth_of(known->second) > yaml_depth_max) {
      throw too_deep(mark);
    }
    // Check the size before copying. Faults in the copy refer to the original, where they can be
    // fixed.
    add_weight(weight_of(known->second), position_of(mark));
    place(known->second);
  }

  void OnSequenceStart(
      const YAML::Mark& mark,
      const std::string& /*tag*/,
      YAML::anchor_t anchor,
      YAML::EmitterStyle::value /*style*/) override {
    open(kind::list, mark, anchor);
  }

  void OnSequenceEnd() override { close(); }

  void OnMapStart(
      const YAML::Mark& mark,
      const std::string& /*tag*/,
      YAML::anchor_t anchor,
      YAML::EmitterStyle::value /*style*/) override {
    open(kind::map, mark, anchor);
  }

  void OnMapEnd() override { close(); }

private:
  /// A list or map that has not ended yet.
  struct unfinished {
    config_tree tree;
    YAML::anchor_t anchor = 0;
    // The key of a map whose value is expected, and all keys so far with their lines.
    std::optional<config_tree> key{};
    std::map<std::string, int> keys{};
  };

  static stop_reading too_deep(const YAML::Mark& mark) {
    return {
        {position_of(mark),
         fmt::format("lists and maps are nested more than {} deep", yaml_depth_max),
         "flatten them"}};
  }

  void open(kind is, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() == yaml_depth_max) {
      throw too_deep(mark);
    }
    open_.push_back({.tree = {.is = is, .at = position_of(mark)}, .anchor = anchor});
  }

  void close() {
    unfinished done = std::move(open_.back());
    open_.pop_back();
    finish(std::move(done.tree), done.anchor);
  }

  void finish(config_tree tree, YAML::anchor_t anchor) {
    // The children were counted when they were finished.
    add_weight(1 + tree.text.size(), tree.at);
    if (anchor != 0) {
      anchors_.insert_or_assign(anchor, tree);
    }
    place(std::move(tree));
  }

  void place(config_tree tree) {
    if (open_.empty()) {
      root_ = std::move(tree);
      return;
    }
    unfinished& parent = open_.back();
    if (parent.tree.is == kind::list) {
      parent.tree.items.push_back(std::move(tree));
    } else if (!parent.key) {
      parent.key = std::move(tree);
    } else {
      config_tree key = std::move(*parent.key);
      parent.key.reset();
      add_entry(parent, std::move(key), std::move(tree));
    }
  }

  void add_entry(unfinished& map, config_tree key, config_tree value) {
    if (key.is != kind::scalar) {
      found_.push_back({key.at, "a key is no single value", "write a word before the colon"});
      return;
    }
    if (key.text == "<<") {
      found_.push_back(
          {key.at,
           "merge keys (`<<`) are not read",
           "write the keys out; what many capabilities share goes under `defaults`"});
      return;
    }
    const auto [first, is_new] = map.keys.emplace(key.text, key.at.line);
    if (!is_new) {
      found_.push_back(
          {key.at,
           fmt::format("the key `{}` comes a second time", key.text),
           fmt::format("keep one; the first is on line {}", first->second)});
      return;
    }
    // For an empty value the parser gives the position of the next token, which may be lines below.
    if (value.is == kind::null) {
      value.at = key.at;
    }
    map.tree.entries.push_back(
        {.key = std::move(key.text), .at = key.at, .value = std::move(value)});
  }

  void add_weight(std::size_t weight, file_position at) {
    weight_ += weight;
    if (weight_ > yaml_weight_max) {
      throw stop_reading{
          {at,
           fmt::format(
               "with its aliases copied out, the file up to here is larger than {}",
               size_text(yaml_weight_max)),
           "use fewer aliases"}};
    }
  }

  std::vector<fault>& found_;
  config_tree root_;
  bool started_ = false;
  std::size_t weight_ = 0;
  std::vector<unfinished> open_;
  std::map<YAML::anchor_t, config_tree> anchors_;
};

/// Length in bytes of the UTF-8 character at the start of `text`; 0 if there is none.
/// @source RFC 3629, section 4.
std::size_t utf8_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xc2 && first <= 0xdf) {
    return continues(1) ? 2 : 0;
  }
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = first == 0xed && byte(1) > 0x9f;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && byte(1) < 0x90;
    const bool beyond = first == 0xf4 && byte(1) > 0x8f;
    return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

/// The first byte that is not text. yaml-cpp passes on broken UTF-8 and uses 0x04 for the end of
/// its input; names appear in logs and on terminals, which must only receive text.
std::optional<fault> find_byte_that_is_no_text(std::string_view text) {
  file_position at{1, 1};
  std::size_t offset = 0;
  while (offset < text.size()) {
    const std::size_t bytes = utf8_bytes(text.substr(offset));
    if (bytes == 0) {
      return fault{at, "a byte here is not UTF-8", "save the file as UTF-8"};
    }
    const auto byte = static_cast<unsigned char>(text[offset]);
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f) {
      return fault{
          at, fmt::format("a control character (0x{:02x}) stands here", byte), "remove it"};
    }
    if (byte == '\n') {
      at = {at.line + 1, 1};
    } else {
      at.column += static_cast<int>(bytes);
    }
    offset += bytes;
  }
  return std::nullopt;
}

/// Advice for a line that is not YAML, or for the line before it. The parser does not mention tabs,
/// which look like blanks.
std::string remedy_at(std::string_view text, int line) {
  for (int each = 1; !text.empty() && each <= line; ++each) {
    const std::string_view indent = text.substr(0, text.find_first_not_of(" \t"));
    if (each + 1 >= line && indent.find('\t') != std::string_view::npos) {
      return fmt::format("indent line {} with blanks: YAML takes no tab there", each);
    }
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  return "check the indentation, colons, quotes and brackets here and on the line before";
}

yaml_document unreadable(std::vector<fault> found, fault reason) {
  found.push_back(std::move(reason));
  return {.tree = {}, .faults = std::move(found), .complete = false};
}

} // namespace

yaml_document parse_yaml(std::string_view text) {
  std::vector<fault> found;
  if (text.size() > yaml_bytes_max) {
    return unreadable(
        {},
        {{},
         fmt::format("the file has {} bytes, more than {}", text.size(), size_text(yaml_bytes_max)),
         "split the system into several topologies"});
  }
  if (auto reason = find_byte_that_is_no_text(text)) {
    return unreadable({}, std::move(*reason));
  }
  try {
    std::istringstream stream{std::string{text}};
    YAML::Parser parser{stream};
    tree_builder builder{found};
    // The builder stops at a second document.
    while (parser.HandleNextDocument(builder)) {
    }
    return {.tree = builder.take(), .faults = std::move(found), .complete = true};
  } catch (const stop_reading& stopped) {
    return unreadable(std::move(found), stopped.reason);
  } catch (const YAML::Exception& wrong) {
    return unreadable(
        std::move(found),
        {position_of(wrong.mark),
         fmt::format("this is not YAML: {}", wrong.msg),
         remedy_at(text, position_of(wrong.mark).line)});
  } catch (const std::exception& wrong) {
    return unreadable(
        std::move(found),
        {{}, fmt::format("the file cannot be read: {}", wrong.what()), "check that it is YAML"});
  }
}

} // namespace troupe::topology

#pragma once

#include "runtime/config.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace troupe::topology {

/// Largest file that is read. A topology of a thousand capabilities needs a tenth of it.
constexpr std::size_t yaml_bytes_max = 1U << 20U;
/// Deepest nesting of lists and maps.
constexpr std::size_t yaml_depth_max = 32;
/// The most bytes of scalars and keys plus nodes, with each alias counted as a copy of its anchor:
/// a few lines of aliases to aliases would fill any memory ("billion laughs").
constexpr std::size_t yaml_weight_max = 4U << 20U;

/// A YAML text after parsing.
struct yaml_document {
  /// The tree, empty (kind null at {0, 0}) for a text without content.
  config_tree tree;
  std::vector<fault> faults;
  /// Whether the text was read to its end; if not, `tree` is of no use.
  bool complete = false;
};

/// Reads one YAML document into a tree with positions. Never throws.
///
/// A syntax error ends the reading. A key that is a duplicate, not a scalar, or a merge key ("<<")
/// is a fault and left out, and reading goes on. Each alias becomes a copy of its anchor. Tags are
/// ignored: every scalar is its text. Columns count bytes.
yaml_document parse_yaml(std::string_view text);

} // namespace troupe::topology

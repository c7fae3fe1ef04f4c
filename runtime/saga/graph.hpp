#pragma once

#include "runtime/saga/definition.hpp"

#include <string>

namespace troupe::saga {

/// A definition as a Mermaid flow chart: steps in order, each with the call that undoes it.
/// @source https://mermaid.js.org/syntax/flowchart.html
std::string mermaid_of(const definition& drawn);

/// The same for Graphviz. @source https://graphviz.org/doc/info/lang.html
std::string dot_of(const definition& drawn);

} // namespace troupe::saga

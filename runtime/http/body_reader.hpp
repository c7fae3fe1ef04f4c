#pragma once

#include "runtime/http/problem.hpp"
#include "runtime/http/request_gate.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace troupe::http {

/// Reads the body of one request as its bytes come in: Beast's parser, which is given the head too
/// and must not disagree with the gate about it. Pure; movable.
class body_reader {
public:
  /// @param head what `read_head` has read; `told` is what it made of it.
  /// @errors 400: the parser refuses the head, or reads another length out of it.
  static tl::expected<body_reader, problem>
  begin(std::string_view head, const request_head& told, const limits& most);

  ~body_reader();
  body_reader(body_reader&&) noexcept;
  body_reader& operator=(body_reader&&) noexcept;

  bool is_complete() const;

  /// Reads on.
  ///
  /// @param bytes what follows what was taken before. What is not taken is given again, with more.
  /// @return how many of them were taken.
  /// @errors 400: malformed chunks; 413: more than `body_bytes_max`. Nothing more may be read then.
  tl::expected<std::size_t, problem> read(std::string_view bytes);

  /// The content of a complete body. Once.
  std::string take();

private:
  struct state;
  explicit body_reader(std::unique_ptr<state> made);

  std::unique_ptr<state> state_;
};

} // namespace troupe::http

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// Writes lines to a descriptor that another process reads, and never waits for the reader.
///
/// What does not fit into a pipe, terminal or socket at once is lost, and counted: a stopped reader
/// must not stop the writer. Files are written normally. A started line is completed before the
/// next one, so that all lines that arrive are whole. The process must ignore SIGPIPE, or a reader
/// that closes ends it. Not for several threads at once.
class line_output {
public:
  /// @param descriptor stays open as long as this.
  explicit line_output(int descriptor);
  ~line_output();
  line_output(const line_output&) = delete;
  line_output& operator=(const line_output&) = delete;

  /// @param line with its line break. @return false if it is lost.
  bool write(std::string_view line);

private:
  enum class way : std::uint8_t {
    /// `own_` does not block, or is a file.
    plainly,
    /// A socket, which is asked not to block at each send.
    sending,
    /// The output could not be opened again: it is asked for room first, in pieces that a pipe
    /// takes as a whole.
    asking,
  };

  /// The bytes that were taken: fewer than all if there is no room.
  std::size_t put(std::string_view bytes);

  int descriptor_;
  int own_ = -1;
  way how_ = way::plainly;
  std::string rest_; // The rest of a line that was begun: one line at most.
};

} // namespace troupe

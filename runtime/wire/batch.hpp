#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::wire {

/// The first byte of a batch frame: the one byte MessagePack never uses.
inline constexpr char batch_mark = '\xc1';
/// The bytes at the start of a frame: the mark and the version.
inline constexpr std::size_t batch_start_bytes = 2;
/// The bytes at the start of each envelope: the lengths of its header and its body.
inline constexpr std::size_t envelope_start_bytes = 8;

/// One header and its body, borrowed.
struct envelope_view {
  std::string_view header;
  std::string_view body;
};

/// Builds one frame of many length-prefixed envelopes (FORMAT.md, "Frames").
///
/// The frame is complete at any moment; `take` returns it and starts the next one.
class batch_writer {
public:
  bool empty() const { return frame_.empty(); }

  std::size_t bytes() const { return frame_.size(); }

  /// How many bytes of header and body one more envelope may have without the frame growing.
  std::size_t room() const {
    const std::size_t used = frame_.size() + batch_start_bytes + envelope_start_bytes;
    return frame_.capacity() < used ? 0 : frame_.capacity() - used;
  }

  void append(std::string_view header, std::string_view body) {
    const std::size_t at = begin();
    frame_.append(header);
    begin_body(at);
    frame_.append(body);
    end(at);
  }

  /// Writes an envelope straight into the frame: `begin`, header into `frame()`, `begin_body`, body
  /// into `frame()`, `end`. `begin` returns the envelope's place.
  std::size_t begin();
  void begin_body(std::size_t at);
  void end(std::size_t at);

  std::string& frame() { return frame_; }

  std::string take() {
    std::string frame = std::move(frame_);
    frame_ = {};
    last_bytes_ = frame.size();
    return frame;
  }

  void clear() { frame_.clear(); }

private:
  std::string frame_;
  /// The size of the frame taken last: the next one is usually about as large, so that much is
  /// reserved.
  std::size_t last_bytes_ = 0;
};

/// Walks the envelopes of a batch frame.
class batch_reader {
public:
  /// True if `frame` starts like a batch.
  static bool is_batch(std::string_view frame) {
    return frame.size() >= 2 && frame[0] == batch_mark && frame[1] == '\x01';
  }

  /// `frame` must be a batch (`is_batch`). @param read the `read_of` of an earlier reader of it.
  explicit batch_reader(std::string_view frame, std::size_t read = 0)
      : rest_{frame.substr(read == 0 ? 2 : read)} {}

  /// The bytes of the frame that were processed.
  std::size_t read_of(std::string_view frame) const { return frame.size() - rest_.size(); }

  bool at_end() const { return rest_.empty(); }

  /// The next envelope; false at the end, or when lengths do not fit (`malformed` tells which).
  bool next(envelope_view& envelope);

  bool malformed() const { return malformed_; }

private:
  std::string_view rest_;
  bool malformed_ = false;
};

} // namespace troupe::wire

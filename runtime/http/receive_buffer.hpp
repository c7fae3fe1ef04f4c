#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace troupe::http {

/// Received bytes that are not used yet.
class receive_buffer {
public:
  std::string_view bytes() const { return {memory_.data(), size_}; }

  bool empty() const { return size_ == 0; }

  /// Room for `most` more bytes, of which `add` then says how many there are.
  char* room(std::size_t most) {
    memory_.resize(std::max(memory_.size(), size_ + most));
    return memory_.data() + size_;
  }

  void add(std::size_t bytes) { size_ += bytes; }

  void use(std::size_t bytes) {
    size_ -= bytes;
    std::memmove(memory_.data(), memory_.data() + bytes, size_);
  }

  /// Frees the memory that a large request took; what an ordinary one needs is kept.
  void shrink() {
    if (empty() && memory_.size() > kept_bytes_max) {
      memory_ = {};
    }
  }

private:
  static constexpr std::size_t kept_bytes_max = 4'096;

  std::string memory_;
  std::size_t size_ = 0;
};

} // namespace troupe::http

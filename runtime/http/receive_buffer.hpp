#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::http {

/// What came from a peer and is not used yet.
class receive_buffer {
public:
  std::string_view bytes() const { return {memory_.data(), size_}; }

  bool empty() const { return size_ == 0; }

  /// Room for `most` more bytes, of which `add` then says how many there are.
  char* room(std::size_t most) {
    memory_.resize(size_ + most);
    return memory_.data() + size_;
  }

  void add(std::size_t bytes) { size_ += bytes; }

  void use(std::size_t bytes) {
    memory_.erase(0, bytes);
    size_ -= bytes;
  }

  /// Gives the memory back that a large request took.
  void shrink() {
    if (empty()) {
      memory_ = {};
    }
  }

private:
  std::string memory_;
  std::size_t size_ = 0;
};

} // namespace troupe::http

#pragma once

#include "runtime/http/responder.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace troupe::gateway {

/// How many requests were answered how; by the first digit of the status, from 2 on.
struct answer_counts {
  std::array<std::atomic<std::uint64_t>, 4> by_class{};
};

/// Adds fields to the answer of a request, and counts it. Neither changes who answers, or when.
class noted_exchange final : public http::exchange {
public:
  noted_exchange(http::responder to, http::field_list more, std::shared_ptr<answer_counts> counts);

  bool respond(http::response answer) override;
  http::stream open_stream(http::response head, http::stream_listener listener) override;

private:
  void note(http::response& answer);

  const http::responder to_;
  const http::field_list more_;
  const std::shared_ptr<answer_counts> counts_;
};

} // namespace troupe::gateway

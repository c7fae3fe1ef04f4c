#pragma once

#include "runtime/clock.hpp"
#include "runtime/strangler/legacy_client.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

// The types as <curl/curl.h> declares them, so that it is compiled in two sources only.
using CURL = void;
struct curl_slist;

namespace troupe::strangler {

/// One request to a legacy system and the received part of its answer: libcurl's handle with
/// everything that it refers to. Not movable; confined to the client's thread once handed over.
class legacy_transfer {
public:
  legacy_transfer(
      const legacy_system& to,
      const http::request& what,
      std::string_view client,
      instant until,
      observe::event_log& log,
      legacy_client::receiver receiver);
  ~legacy_transfer();
  legacy_transfer(const legacy_transfer&) = delete;
  legacy_transfer& operator=(const legacy_transfer&) = delete;

  CURL* handle() const { return handle_; }

  instant until() const { return until_; }

  /// Makes the handle ready to be sent at `now`.
  void prepare(instant now);

  /// Whether a transfer that ended with `code` spent its time on looking up the system's name.
  bool was_looked_up_in_vain(int code) const;

  /// The transfer ended with `code` of libcurl: tells the receiver.
  void end(int code);

  /// Tells the receiver that no answer will come, before or while the request was sent.
  void refuse(int status, std::string_view code, std::string detail);

private:
  static std::size_t take_head(char* line, std::size_t size, std::size_t count, void* self);
  static std::size_t take_body(char* bytes, std::size_t size, std::size_t count, void* self);
  bool take_head_line(std::string_view line);
  void set_request();
  void add_line(const std::string& line);
  void end_without_answer(int code);
  void tell(std::string_view code, std::string_view why) const;
  bool was_sent() const;

  const legacy_system& system_;
  /// The method that is sent; GET in place of HEAD, so that the length of the answer is known here.
  const http::method method_;
  const std::string target_;
  const http::field_list fields_;
  const std::string body_;
  const instant until_;
  observe::event_log& log_;
  legacy_client::receiver receiver_;
  CURL* handle_;
  curl_slist* lines_ = nullptr;
  http::response answer_;
  std::size_t head_bytes_ = 0;
  bool has_head_ = false;
  bool is_too_large_ = false;
  std::array<char, 256> why_{};
};

} // namespace troupe::strangler

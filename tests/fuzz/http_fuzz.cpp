#include "runtime/http/body_reader.hpp"
#include "runtime/http/head_scanner.hpp"
#include "runtime/http/request_gate.hpp"
#include "runtime/http/response_writer.hpp"
#include "runtime/http/target.hpp"
#include "tests/fuzz/target.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

// Bytes of a peer go the way they go in a connection, whole and byte by byte, and what is promised
// about them is tried.

namespace troupe::fuzz {

namespace {

using namespace http;

bool is_error(const problem& why) {
  return why.status >= 400 && why.status <= 599 && !why.code.empty() && !why.detail.empty();
}

/// Small, so that short inputs reach them.
limits small_limits() {
  limits most;
  most.request_line_bytes_max = 200;
  most.head_bytes_max = 600;
  most.fields_max = 8;
  most.body_bytes_max = 64;
  return most;
}

/// What came of a request: refused, unfinished, or its content and how many bytes it took.
struct result {
  int status = 0;
  std::string content{};
  std::size_t bytes = 0;

  bool operator==(const result&) const = default;
};

bool is_plain_segment(const std::string& segment) {
  return segment != "." && segment != ".." && std::ranges::all_of(segment, [](char each) {
           const auto letter = static_cast<unsigned char>(each);
           return letter >= 0x20 && letter != 0x7f && each != '/' && each != '\\';
         });
}

void try_head(const request_head& head, const limits& most) {
  expect(head.target.raw.starts_with('/'));
  expect(std::ranges::all_of(head.target.path, is_plain_segment));
  expect(head.fields.size() <= most.fields_max);
  for (const auto& [name, value] : head.fields) {
    expect(is_token(name) && name == lower_case(name));
    expect(is_field_value(value) && trimmed(value) == value);
  }
  expect(head.content_length <= most.body_bytes_max);
  expect(!head.is_chunked || (head.content_length == 0 && !head.is_http_1_0));
  expect(head.is_http_1_0 || find(head.fields, "host").has_value());
}

/// Whatever we let pass, Beast's parser reads the same.
void try_beast(std::string_view bytes, const request_head& head) {
  if (find(head.fields, "proxy-connection")) {
    return; // Beast takes it for Connection.
  }
  boost::beast::http::request_parser<boost::beast::http::string_body> parser;
  boost::beast::error_code why;
  parser.put(boost::asio::buffer(bytes.data(), bytes.size()), why);
  expect(!why && parser.is_header_done());
  expect(
      std::string_view{parser.get().method_string().data(), parser.get().method_string().size()}
      == name_of(head.method));
  expect(parser.get().version() == (head.is_http_1_0 ? 10U : 11U));
  expect(parser.chunked() == head.is_chunked);
  expect(parser.content_length().value_or(0) == head.content_length);
  expect(
      std::distance(parser.get().begin(), parser.get().end())
      == static_cast<std::ptrdiff_t>(head.fields.size()));
  expect(parser.keep_alive() == head.keeps_alive);
}

/// @param step how many bytes come at once.
result pass(std::string_view bytes, const limits& most, std::size_t step) {
  head_scanner scanner{most};
  std::size_t head_bytes = 0;
  for (std::size_t size = std::min(step, bytes.size()); head_bytes == 0;) {
    const auto found = scanner.scan(bytes.substr(0, size));
    if (!found) {
      expect(is_error(found.error()));
      return {.status = found.error().status};
    }
    head_bytes = *found;
    if (head_bytes == 0 && size == bytes.size()) {
      return {.status = 100};
    }
    size = std::min(size + step, bytes.size());
  }
  expect(head_bytes <= std::min(bytes.size(), most.head_bytes_max));
  const auto head = read_head(bytes.substr(0, head_bytes), most, {});
  if (!head) {
    expect(is_error(head.error()));
    return {.status = head.error().status};
  }
  try_head(*head, most);
  body_reader body{*head, most};
  expect(body.is_complete() == !head->has_body());
  std::size_t used = head_bytes;
  for (std::size_t size = std::min(used + step, bytes.size()); !body.is_complete();) {
    const auto taken = body.read(bytes.substr(used, size - used));
    if (!taken) {
      expect(is_error(taken.error()));
      return {.status = taken.error().status};
    }
    expect(*taken <= size - used);
    used += *taken;
    if (size == bytes.size()) {
      break;
    }
    size = std::min(size + step, bytes.size());
  }
  try_beast(bytes.substr(0, head_bytes), *head);
  if (!body.is_complete()) {
    return {.status = 100};
  }
  std::string content = body.take();
  expect(content.size() <= most.body_bytes_max);
  expect(head->is_chunked || content.size() == head->content_length);
  return {200, std::move(content), used};
}

/// Whatever is put into a field, the answer has the lines that it should have.
void try_answer(std::string_view bytes) {
  const response answer{200, {{"X", std::string{bytes}}}, "body"};
  const std::string text = written_answer(answer, {}, {});
  const std::string_view head = std::string_view{text}.substr(0, text.find("\r\n\r\n"));
  expect(std::ranges::count(head, '\n') == 4 && std::ranges::count(head, '\r') == 4);
}

void try_target(std::string_view bytes) {
  const auto read = read_target(bytes);
  if (!read) {
    expect(is_error(read.error()));
    return;
  }
  // What was read once reads the same again.
  const auto again = read_target(read->target.raw);
  expect(again.has_value() && again->target == read->target);
}

void try_connection(std::string_view bytes) {
  const limits most = small_limits();
  const result whole = pass(bytes, most, std::max<std::size_t>(bytes.size(), 1));
  expect(pass(bytes, most, 1) == whole);
  expect(pass(bytes, most, 7) == whole);
  try_answer(bytes);
  try_target(bytes);
}

const target registered{"http", try_connection};

} // namespace

} // namespace troupe::fuzz

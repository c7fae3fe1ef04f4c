#include "runtime/http/body_reader.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <utility>

namespace troupe::http {

namespace {

namespace beast = boost::beast;

problem refused_body(const beast::error_code& why, const limits& most) {
  if (why == beast::http::error::body_limit) {
    return {
        413, "body_too_large", "a body may have " + std::to_string(most.body_bytes_max) + " bytes"};
  }
  return {400, "malformed_body", "the request cannot be read: " + why.message()};
}

} // namespace

struct body_reader::state {
  beast::http::request_parser<beast::http::string_body> parser;
  limits most;
};

tl::expected<body_reader, problem>
body_reader::begin(std::string_view head, const request_head& told, const limits& most) {
  auto made = std::make_unique<state>();
  made->most = most;
  made->parser.eager(true);
  made->parser.header_limit(static_cast<std::uint32_t>(most.head_bytes_max));
  made->parser.body_limit(most.body_bytes_max);
  beast::error_code why;
  const std::size_t taken = made->parser.put(boost::asio::buffer(head.data(), head.size()), why);
  if (why && why != beast::http::error::need_more) {
    return tl::unexpected<problem>{refused_body(why, most)};
  }
  const auto& parser = made->parser;
  if (taken != head.size() || !parser.is_header_done() || parser.chunked() != told.is_chunked
      || parser.content_length().value_or(0) != told.content_length
      || parser.is_done() == told.has_body()) {
    return tl::unexpected<problem>{
        {400, "ambiguous_body", "where the request ends can be read in two ways"}};
  }
  return body_reader{std::move(made)};
}

bool body_reader::is_complete() const {
  return state_->parser.is_done();
}

tl::expected<std::size_t, problem> body_reader::read(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !is_complete()) {
    beast::error_code why;
    const std::size_t more =
        state_->parser.put(boost::asio::buffer(bytes.data() + taken, bytes.size() - taken), why);
    taken += more;
    if (why == beast::http::error::need_more) {
      break;
    }
    if (why) {
      return tl::unexpected<problem>{refused_body(why, state_->most)};
    }
  }
  return taken;
}

std::string body_reader::take() {
  return std::move(state_->parser.get().body());
}

body_reader::body_reader(std::unique_ptr<state> made) : state_{std::move(made)} {
}

body_reader::~body_reader() = default;
body_reader::body_reader(body_reader&&) noexcept = default;
body_reader& body_reader::operator=(body_reader&&) noexcept = default;

} // namespace troupe::http

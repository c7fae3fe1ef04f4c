#include "runtime/observe/otlp.hpp"

#include "runtime/bytes.hpp"

#include <algorithm>
#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

namespace troupe::observe {

namespace {

// Field numbers.
// @source opentelemetry-proto 1.3: trace.proto, common.proto.
namespace field {
inline constexpr protozero::pbf_tag_type resource_spans = 1;
inline constexpr protozero::pbf_tag_type resource = 1;
inline constexpr protozero::pbf_tag_type resource_attributes = 1;
inline constexpr protozero::pbf_tag_type scope_spans = 2;
inline constexpr protozero::pbf_tag_type scope = 1;
inline constexpr protozero::pbf_tag_type scope_name = 1;
inline constexpr protozero::pbf_tag_type spans = 2;
inline constexpr protozero::pbf_tag_type trace_id = 1;
inline constexpr protozero::pbf_tag_type span_id = 2;
inline constexpr protozero::pbf_tag_type trace_state = 3;
inline constexpr protozero::pbf_tag_type parent_span_id = 4;
inline constexpr protozero::pbf_tag_type name = 5;
inline constexpr protozero::pbf_tag_type kind = 6;
inline constexpr protozero::pbf_tag_type start = 7;
inline constexpr protozero::pbf_tag_type end = 8;
inline constexpr protozero::pbf_tag_type attributes = 9;
inline constexpr protozero::pbf_tag_type status = 15;
inline constexpr protozero::pbf_tag_type status_code = 3;
inline constexpr protozero::pbf_tag_type key = 1;
inline constexpr protozero::pbf_tag_type value = 2;
inline constexpr protozero::pbf_tag_type string_value = 1;
inline constexpr protozero::pbf_tag_type partial_success = 1;
inline constexpr protozero::pbf_tag_type rejected_spans = 1;
inline constexpr protozero::pbf_tag_type error_message = 2;
} // namespace field

constexpr int status_error = 2;

using protozero::pbf_writer;

std::string_view bytes_of_id(const uuid& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

std::string big_endian(std::uint64_t number) {
  std::string bytes;
  append_big_endian(bytes, number);
  return bytes;
}

void add_text(pbf_writer& out, protozero::pbf_tag_type tag, std::string_view text) {
  out.add_string(tag, text.data(), text.size());
}

void add_attribute(
    pbf_writer& out, protozero::pbf_tag_type tag, std::string_view key, std::string_view text) {
  pbf_writer attribute{out, tag};
  add_text(attribute, field::key, key);
  pbf_writer value{attribute, field::value};
  add_text(value, field::string_value, text);
}

void add_span(pbf_writer& out, const span& what) {
  pbf_writer made{out, field::spans};
  const std::string_view trace = bytes_of_id(what.trace);
  made.add_bytes(field::trace_id, trace.data(), trace.size());
  made.add_bytes(field::span_id, big_endian(what.id));
  if (!what.state().empty()) {
    add_text(made, field::trace_state, what.state());
  }
  if (what.parent != 0) {
    made.add_bytes(field::parent_span_id, big_endian(what.parent));
  }
  add_text(made, field::name, what.name());
  made.add_enum(field::kind, static_cast<std::int32_t>(what.kind));
  made.add_fixed64(field::start, static_cast<std::uint64_t>(what.start));
  made.add_fixed64(
      field::end,
      static_cast<std::uint64_t>(what.start + std::max<std::int64_t>(what.duration, 0)));
  what.for_each_note([&](std::string_view key, std::string_view text) {
    add_attribute(made, field::attributes, key, text);
  });
  if (what.has_failed) {
    pbf_writer status{made, field::status};
    status.add_enum(field::status_code, status_error);
  }
}

} // namespace

std::string otlp_request(const resource_attributes& of, std::span<const span> spans) {
  std::string bytes;
  pbf_writer request{bytes};
  {
    pbf_writer all{request, field::resource_spans};
    {
      pbf_writer process{all, field::resource};
      for (const auto& [key, text] : of) {
        add_attribute(process, field::resource_attributes, key, text);
      }
    }
    pbf_writer scoped{all, field::scope_spans};
    {
      pbf_writer scope{scoped, field::scope};
      add_text(scope, field::scope_name, "troupe");
    }
    for (const span& each : spans) {
      add_span(scoped, each);
    }
  }
  return bytes;
}

otlp_answer read_otlp_answer(std::string_view body) {
  otlp_answer read;
  try {
    protozero::pbf_reader answer{body.data(), body.size()};
    while (answer.next(field::partial_success, protozero::pbf_wire_type::length_delimited)) {
      protozero::pbf_reader part = answer.get_message();
      while (part.next()) {
        if (part.tag_and_type()
            == protozero::tag_and_type(field::rejected_spans, protozero::pbf_wire_type::varint)) {
          read.rejected = static_cast<std::uint64_t>(std::max<std::int64_t>(part.get_int64(), 0));
        } else if (
            part.tag_and_type()
            == protozero::tag_and_type(
                field::error_message, protozero::pbf_wire_type::length_delimited)) {
          read.why = part.get_string();
        } else {
          part.skip();
        }
      }
    }
  } catch (const protozero::exception&) {
    return {};
  }
  return read;
}

} // namespace troupe::observe

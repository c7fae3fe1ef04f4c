#pragma once

#include <string_view>

/// The names that spans and the resource of a process have, in one place: the conventions of
/// OpenTelemetry are still moving.
/// @source opentelemetry.io/docs/specs/semconv 1.27: general, http, messaging, exception.
namespace troupe::observe::names {

// The attributes of the resource.
inline constexpr std::string_view service_name = "service.name";
inline constexpr std::string_view service_namespace = "service.namespace";
inline constexpr std::string_view service_instance = "service.instance.id";
inline constexpr std::string_view process_id = "process.pid";

// The attributes of spans, by convention.
inline constexpr std::string_view message_id = "messaging.message.id";
inline constexpr std::string_view topic = "messaging.destination.name";
inline constexpr std::string_view error = "error.type";
inline constexpr std::string_view http_method = "http.request.method";
inline constexpr std::string_view http_route = "http.route";
inline constexpr std::string_view http_status = "http.response.status_code";
inline constexpr std::string_view url_path = "url.path";
inline constexpr std::string_view server_address = "server.address";

// The attributes of spans that are Troupe's own; authors have none that begin so.
inline constexpr std::string_view own = "troupe.";
inline constexpr std::string_view capability = "troupe.capability";
inline constexpr std::string_view operation = "troupe.operation";
inline constexpr std::string_view replica = "troupe.replica";
inline constexpr std::string_view attempt = "troupe.attempt";
inline constexpr std::string_view position = "troupe.position";
inline constexpr std::string_view handler_us = "troupe.handler_us";
inline constexpr std::string_view notes_lost = "troupe.notes_lost";
inline constexpr std::string_view effect = "troupe.effect";
inline constexpr std::string_view effect_key = "troupe.effect.key";
inline constexpr std::string_view saga_id = "troupe.saga.id";
inline constexpr std::string_view saga_end = "troupe.saga.end";
inline constexpr std::string_view feature = "troupe.feature";

} // namespace troupe::observe::names

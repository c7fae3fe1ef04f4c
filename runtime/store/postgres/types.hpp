#pragma once

#include <libpq-fe.h>

namespace troupe::store::type_of {

// The numbers of PostgreSQL's own types, the same in every database.
// @source src/include/catalog/pg_type.dat
inline constexpr Oid boolean = 16;
inline constexpr Oid bytes = 17;
inline constexpr Oid name = 19;
inline constexpr Oid int8 = 20;
inline constexpr Oid int2 = 21;
inline constexpr Oid int4 = 23;
inline constexpr Oid text = 25;
inline constexpr Oid oid = 26;
inline constexpr Oid float4 = 700;
inline constexpr Oid float8 = 701;
inline constexpr Oid padded_text = 1042;
inline constexpr Oid varchar = 1043;
inline constexpr Oid numeric = 1700;
inline constexpr Oid id = 2950;

/// The type of arrays of `element`; 0 where its values are not always sent in binary form.
inline Oid array_of(Oid element) {
  switch (element) {
  case boolean:
    return 1000;
  case bytes:
    return 1001;
  case int2:
    return 1005;
  case int4:
    return 1007;
  case text:
    return 1009;
  case varchar:
    return 1015;
  case int8:
    return 1016;
  case float8:
    return 1022;
  case id:
    return 2951;
  default:
    return 0;
  }
}

inline bool is_text(Oid type) {
  return type == text || type == varchar || type == name || type == padded_text;
}

} // namespace troupe::store::type_of

# The versions of libraries, as their headers or packages say; `troupe version --sbom` tells them.

# troupe_header_version(OUT header MACRO...): "1.2.3" of the numbers that the macros stand for.
function(troupe_header_version out header)
  set(parts "")
  set(text "")
  if(EXISTS "${header}")
    file(READ "${header}" text)
  endif()
  foreach(macro ${ARGN})
    if(text MATCHES "#[ \t]*define[ \t]+${macro}[ \t]+([0-9]+)")
      list(APPEND parts "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  list(JOIN parts "." version)
  if(version STREQUAL "")
    set(version "unknown")
  endif()
  set(${out} "${version}" PARENT_SCOPE)
endfunction()

# troupe_package_version(OUT package): of a package of CMake that is used for nothing else.
function(troupe_package_version out package)
  find_package(${package} CONFIG QUIET)
  set(version "${${package}_VERSION}")
  if(version STREQUAL "")
    set(version "unknown")
  endif()
  set(${out} "${version}" PARENT_SCOPE)
endfunction()

find_path(ZMQ_INCLUDE_DIR zmq.h REQUIRED)
find_path(BOOST_VERSION_DIR boost/version.hpp REQUIRED)
find_path(PCRE2_INCLUDE_DIR pcre2.h REQUIRED)
mark_as_advanced(ZMQ_INCLUDE_DIR BOOST_VERSION_DIR PCRE2_INCLUDE_DIR)
troupe_header_version(ZMQ_VERSION_TEXT "${ZMQ_INCLUDE_DIR}/zmq.h"
  ZMQ_VERSION_MAJOR ZMQ_VERSION_MINOR ZMQ_VERSION_PATCH)
troupe_header_version(MSGPACK_VERSION_TEXT "${MSGPACK_INCLUDE_DIR}/msgpack/version_master.hpp"
  MSGPACK_VERSION_MAJOR MSGPACK_VERSION_MINOR MSGPACK_VERSION_REVISION)
troupe_header_version(EXPECTED_VERSION_TEXT "${EXPECTED_INCLUDE_DIR}/tl/expected.hpp"
  TL_EXPECTED_VERSION_MAJOR TL_EXPECTED_VERSION_MINOR TL_EXPECTED_VERSION_PATCH)
troupe_header_version(PCRE2_VERSION_TEXT "${PCRE2_INCLUDE_DIR}/pcre2.h" PCRE2_MAJOR PCRE2_MINOR)
troupe_header_version(XXHASH_VERSION_TEXT "${XXHASH_INCLUDE_DIR}/xxhash.h"
  XXH_VERSION_MAJOR XXH_VERSION_MINOR XXH_VERSION_RELEASE)
# One number: major * 100000 + minor * 100 + patch.
troupe_header_version(boost_number "${BOOST_VERSION_DIR}/boost/version.hpp" BOOST_VERSION)
math(EXPR boost_major "${boost_number} / 100000")
math(EXPR boost_minor "${boost_number} / 100 % 1000")
math(EXPR boost_patch "${boost_number} % 100")
set(BOOST_VERSION_TEXT "${boost_major}.${boost_minor}.${boost_patch}")
# One number: major * 10000 + minor.
troupe_header_version(libpq_number "${LIBPQ_INCLUDE_DIR}/pg_config.h" PG_VERSION_NUM)
math(EXPR libpq_major "${libpq_number} / 10000")
math(EXPR libpq_minor "${libpq_number} % 10000")
set(LIBPQ_VERSION_TEXT "${libpq_major}.${libpq_minor}")
troupe_package_version(CLI11_VERSION_TEXT CLI11)
troupe_package_version(NLOHMANN_VERSION_TEXT nlohmann_json)
troupe_package_version(ROBIN_MAP_VERSION_TEXT tsl-robin-map)

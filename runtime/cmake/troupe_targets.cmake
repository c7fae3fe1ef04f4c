# How every target of this project is built: one place for warnings, hardening and sanitizers.

add_library(troupe_build INTERFACE)
target_compile_options(troupe_build INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  -fstack-protector-strong -fno-omit-frame-pointer
  -fPIC) # For libraries and programs alike, so that they share their precompiled headers.
# What a library defines may be inlined into its own callers, although it is compiled for shared objects as well.
target_compile_options(troupe_build INTERFACE $<$<CONFIG:Release>:-fno-semantic-interposition>)
# Merged sources are one unit to GCC, whose inliner stops when a unit has grown by 40 %: the functions of
# `std::string` are calls then, and a call of the bench costs 12 % more instructions. For all targets, since GCC
# takes this from the precompiled header that they share.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(troupe_build INTERFACE $<$<CONFIG:Release>:--param=inline-unit-growth=400>)
endif()
# GCC collects its garbage from 128 MiB on, which takes 10 to 20 % of the time of a source that uses a gigabyte anyway.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(troupe_build INTERFACE --param=ggc-min-heapsize=1000000)
endif()
# GCC 12 raises false alarms about moved std::strings when it optimizes (its bugs 105329, 105651 and 105562).
target_compile_options(troupe_build INTERFACE
  $<$<CONFIG:Release>:-Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict
    -Wno-maybe-uninitialized>)
# Merged sources see each other's names of anonymous namespaces, which to Clang is shadowing.
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(troupe_build INTERFACE -Wno-shadow)
endif()
if(PROJECT_IS_TOP_LEVEL) # Whoever uses Troupe may have a compiler that warns of more.
  target_compile_options(troupe_build INTERFACE -Werror)
endif()
target_include_directories(troupe_build INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>")
target_compile_definitions(troupe_build INTERFACE
  $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>
  $<$<BOOL:${TROUPE_FAULTS}>:TROUPE_FAULTS>
  $<$<NOT:$<BOOL:${TROUPE_SPANS}>>:TROUPE_NO_SPANS>
  MSGPACK_DEFAULT_API_VERSION=3 MSGPACK_NO_BOOST)
if(NOT TROUPE_SANITIZE AND CMAKE_BUILD_TYPE MATCHES "Rel") # Wants an optimizing compiler.
  target_compile_options(troupe_build INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()

# Programs: no table of the loader can be written once they run. (That they are PIE and have no stack that
# can be executed is the compiler's own doing.)
add_link_options(-Wl,-z,relro,-z,now)
# What is shipped: no stack that grows past its guard, no jump into the middle of a function where the
# processor can tell. Not in the builds of tests, which would be compiled anew for nothing.
include(CheckCXXCompilerFlag)
foreach(flag -fstack-clash-protection -fcf-protection=full)
  string(MAKE_C_IDENTIFIER "troupe_has${flag}" known)
  check_cxx_compiler_flag(${flag} ${known})
  if(${known})
    target_compile_options(troupe_build INTERFACE $<$<CONFIG:Release>:${flag}>)
  endif()
endforeach()

# What those need as well who use a library of this project.
add_library(troupe_sanitizers INTERFACE)
target_link_libraries(troupe_build INTERFACE troupe_sanitizers)
if(TROUPE_SANITIZE)
  # Without `vptr`: it opens a pipe to see whether memory can be read, and where a process has no
  # descriptor left, which a broker is made to survive, it takes each object for a broken one.
  target_compile_options(troupe_sanitizers INTERFACE
    -fsanitize=${TROUPE_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all)
  if(TROUPE_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC's ThreadSanitizer does not see fences (Boost and CAF have some) and says so with a warning.
    target_compile_options(troupe_sanitizers INTERFACE -Wno-tsan)
  endif()
  target_link_options(troupe_sanitizers INTERFACE -fsanitize=${TROUPE_SANITIZE})
endif()
if(TROUPE_FUZZ) # Libraries as well: a fuzzer follows the branches of what is compiled so.
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "TROUPE_FUZZ needs clang: libFuzzer comes with it")
  endif()
  target_compile_options(troupe_sanitizers INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Precompiled headers: of libraries only, so that an edit of a header of ours compiles again what includes
# it and nothing else. Parsing them takes a third of a cold build otherwise. The ThreadSanitizer build does
# without, and compiles each source alone, so that it finds an include that is missing.
function(troupe_precompile name)
  file(CONFIGURE OUTPUT precompiled.cpp CONTENT "// Holds precompiled headers.\n")
  add_library(${name} OBJECT "${CMAKE_CURRENT_BINARY_DIR}/precompiled.cpp")
  target_link_libraries(${name} PRIVATE troupe_build fmt::fmt)
  target_include_directories(${name} SYSTEM PRIVATE ${EXPECTED_INCLUDE_DIR} ${ROBIN_MAP_INCLUDE_DIR})
  target_precompile_headers(${name} PRIVATE
    <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable> <cstddef> <cstdint>
    <deque> <functional> <limits> <map> <memory> <mutex> <optional> <queue> <set> <span> <string>
    <string_view> <thread> <unordered_map> <utility> <variant> <vector>
    <fmt/format.h> <tl/expected.hpp> <tsl/robin_map.h>)
endfunction()
if(TROUPE_SANITIZE MATCHES "thread")
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()
troupe_precompile(troupe_headers)

# troupe_library(NAME SOURCES ... [DEPENDS ...] [SYSTEM include-dirs ...])
#
# One static library per folder. What a folder may depend on is the ladder of tests/tree/ladder_test.py.
function(troupe_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;SYSTEM" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC ${arg_DEPENDS} troupe_sanitizers PRIVATE troupe_build)
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_include_directories(${name} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>" "$<INSTALL_INTERFACE:include/troupe>")
  target_include_directories(${name} SYSTEM PUBLIC ${arg_SYSTEM})
  target_precompile_headers(${name} REUSE_FROM troupe_headers)
  troupe_export(${name})
endfunction()

# What `cmake --install BUILD --component author` installs: the libraries, headers and main() functions from which
# authors build their programs, and the package by which find_package(troupe) finds them. Each library is
# troupe::NAME there, and here as well. Libraries of the shop and of tests are none of it.
function(troupe_export name)
  string(REGEX REPLACE "^troupe_" "" short ${name})
  add_library(troupe::${short} ALIAS ${name})
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE folder)
  if(PROJECT_IS_TOP_LEVEL AND folder MATCHES "^([.]$|runtime|topology|nodes)")
    set_target_properties(${name} PROPERTIES EXPORT_NAME ${short})
    install(TARGETS ${name} EXPORT troupe COMPONENT author ARCHIVE DESTINATION lib/troupe)
  endif()
endfunction()
troupe_export(troupe_build)
troupe_export(troupe_sanitizers)

# troupe_runs_once(NAME): code that runs once in a process, such as what reads a file or a command line. It is
# compiled with -O1, which takes two thirds of the time of -O3.
function(troupe_runs_once name)
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# What `./dev demo` and `./dev bench` need built: the programs, and those under tests/ as well.
add_custom_target(programs)
add_custom_target(benches)
add_custom_target(short_tests) # What `./dev asan --short` needs.
add_dependencies(benches programs)

# troupe_program(NAME SOURCES ... [DEPENDS ...])
function(troupe_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;SYSTEM" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} troupe_build)
  target_include_directories(${name} SYSTEM PRIVATE ${arg_SYSTEM})
  target_precompile_headers(${name} REUSE_FROM troupe_headers)
  set(tests "${PROJECT_SOURCE_DIR}/tests")
  cmake_path(IS_PREFIX tests "${CMAKE_CURRENT_SOURCE_DIR}" is_test)
  if(is_test)
    add_dependencies(benches ${name})
  else()
    add_dependencies(programs ${name})
  endif()
endfunction()

# How a test of a label is run. SECONDS is what it may take on a quiet machine; its limit, which is there
# for what hangs, is thrice that, and more under sanitizers. What may take over a minute is labelled
# `long` besides, and left out of short sanitizer runs.
# Integration tests start processes and watch deadlines, so each has two processors to itself;
# chaos tests have the machine.
function(troupe_describe_test test label seconds)
  set(labels ${label})
  if(seconds GREATER 60)
    list(APPEND labels long)
  endif()
  if(TROUPE_SANITIZE MATCHES "thread")
    math(EXPR seconds "${seconds} * 20")
  elseif(TROUPE_SANITIZE)
    math(EXPR seconds "${seconds} * 8")
  else()
    math(EXPR seconds "${seconds} * 3")
  endif()
  set_tests_properties(${test} PROPERTIES LABELS "${labels}" TIMEOUT ${seconds})
  if(label STREQUAL "integration")
    set_tests_properties(${test} PROPERTIES PROCESSORS 2)
  elseif(label STREQUAL "chaos")
    set_tests_properties(${test} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()

# The programs of nodes/ for the actor types of a project.
set(TROUPE_MAINS "${PROJECT_SOURCE_DIR}/nodes" CACHE INTERNAL "") # Also where this project is one of several.
set(TROUPE_BUILD troupe_build CACHE INTERNAL "")
include(troupe_programs)

# Of tests themselves, whose time is that of compiling them; what they test is optimized as the preset says.
set(troupe_quick_compile $<$<CONFIG:Debug>:-O0>)

# The main() of every Boost.Test program, compiled once.
function(troupe_test_main)
  if(NOT TARGET troupe_boost_main)
    add_library(troupe_boost_main OBJECT "${PROJECT_SOURCE_DIR}/tests/boost_main.cpp")
    target_link_libraries(troupe_boost_main PRIVATE troupe_build Boost::unit_test_framework)
    target_compile_definitions(troupe_boost_main PRIVATE BOOST_TEST_DYN_LINK)
    troupe_precompile(troupe_test_headers)
    target_link_libraries(troupe_test_headers PRIVATE Boost::unit_test_framework)
    target_compile_definitions(troupe_test_headers PRIVATE BOOST_TEST_DYN_LINK)
    target_precompile_headers(troupe_test_headers PRIVATE <boost/test/unit_test.hpp>)
    target_compile_options(troupe_test_headers PRIVATE ${troupe_quick_compile})
  endif()
endfunction()

# troupe_test(NAME LABEL unit|integration|chaos SECONDS n SOURCES ... DEPENDS ...)
#
# One Boost.Test program and one CTest entry. SECONDS is its time limit.
function(troupe_test name)
  cmake_parse_arguments(arg "" "LABEL;SECONDS" "SOURCES;DEPENDS;SYSTEM" ${ARGN})
  troupe_test_main()
  add_executable(${name} ${arg_SOURCES} $<TARGET_OBJECTS:troupe_boost_main>)
  target_link_libraries(${name} PRIVATE
    ${arg_DEPENDS} troupe_build Boost::unit_test_framework Threads::Threads)
  target_include_directories(${name} SYSTEM PRIVATE ${arg_SYSTEM})
  target_compile_definitions(${name} PRIVATE BOOST_TEST_DYN_LINK)
  target_precompile_headers(${name} REUSE_FROM troupe_test_headers)
  target_compile_options(${name} PRIVATE ${troupe_quick_compile})
  add_dependencies(short_tests ${name})
  add_test(NAME ${arg_LABEL}.${name} COMMAND ${name} --color_output=no)
  troupe_describe_test(${arg_LABEL}.${name} ${arg_LABEL} ${arg_SECONDS})
endfunction()

# troupe_test_on_postgres(NAME SECONDS n SUITES ...)
#
# Runs suites of a test once more, with PostgreSQL in place of SQLite (tests/store/engine.hpp).
function(troupe_test_on_postgres name)
  cmake_parse_arguments(arg "" "SECONDS" "SUITES" ${ARGN})
  string(REPLACE ";" "," suites "${arg_SUITES}")
  set(test integration.${name}_on_postgres)
  add_test(NAME ${test} COMMAND ${name} --color_output=no --run_test=${suites})
  troupe_describe_test(${test} integration ${arg_SECONDS})
  set_tests_properties(${test} PROPERTIES
    ENVIRONMENT "TROUPE_TEST_ENGINE=postgresql" SKIP_REGULAR_EXPRESSION "PostgreSQL is not installed")
endfunction()

# troupe_script_test(NAME LABEL ... SECONDS n SCRIPT file [ARGS ...])
#
# A test written in Python (standard library, python3-zmq, python3-msgpack). It is told where the
# programs are by TROUPE_BIN and where the sources are by TROUPE_SOURCE.
function(troupe_script_test name)
  cmake_parse_arguments(arg "" "LABEL;SECONDS;SCRIPT" "ARGS" ${ARGN})
  add_test(NAME ${arg_LABEL}.${name} COMMAND /usr/bin/python3 "${arg_SCRIPT}" ${arg_ARGS})
  troupe_describe_test(${arg_LABEL}.${name} ${arg_LABEL} ${arg_SECONDS})
  set_tests_properties(${arg_LABEL}.${name} PROPERTIES
    ENVIRONMENT "TROUPE_BIN=${CMAKE_BINARY_DIR}/bin;TROUPE_SOURCE=${PROJECT_SOURCE_DIR};PYTHONDONTWRITEBYTECODE=1")
endfunction()

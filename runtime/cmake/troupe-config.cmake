# find_package(troupe): the libraries as troupe::NAME (troupe::actor, troupe::testing), and troupe_programs().
include(CMakeFindDependencyMacro)
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}") # FindCAF.cmake
find_dependency(Threads)
find_dependency(CAF 0.17.6)
find_dependency(cppzmq CONFIG)
find_dependency(SQLite3)
find_dependency(yaml-cpp)
find_dependency(fmt)
find_dependency(OpenSSL 3.0)
find_dependency(CURL 7.88)
list(REMOVE_ITEM CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")

include("${CMAKE_CURRENT_LIST_DIR}/troupe-targets.cmake")
# As the libraries were built.
set_property(TARGET troupe::wire APPEND PROPERTY
  INTERFACE_COMPILE_DEFINITIONS MSGPACK_DEFAULT_API_VERSION=3 MSGPACK_NO_BOOST)
get_filename_component(mains "${CMAKE_CURRENT_LIST_DIR}/../../../share/troupe/nodes" ABSOLUTE)
set(TROUPE_MAINS "${mains}" CACHE INTERNAL "")
include("${CMAKE_CURRENT_LIST_DIR}/troupe_programs.cmake")

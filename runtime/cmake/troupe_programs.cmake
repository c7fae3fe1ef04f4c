# Also installed. TROUPE_MAINS is the folder of the main() functions, TROUPE_BUILD the flags of this project's own builds.

# troupe_programs(NAME DEPENDS library ...)
#
# The programs of nodes/ for the actor types of a project, whose library defines registered_types()
# (runtime/actor/registry.hpp): the targets NAME, NAME-broker, NAME-worker and NAME-gateway. They are called
# troupe, troupe-broker, troupe-worker and troupe-gateway, and lie together in `bin` of the project's build folder.
function(troupe_programs name)
  cmake_parse_arguments(arg "" "" "DEPENDS" ${ARGN})
  foreach(program IN ITEMS troupe troupe-broker troupe-worker troupe-gateway)
    string(REPLACE "troupe-" "" main ${program})
    string(REGEX REPLACE "^troupe" "${name}" target ${program})
    add_executable(${target} "${TROUPE_MAINS}/${main}.cpp")
    # What is registered stands behind what asks for it.
    target_link_libraries(${target} PRIVATE troupe::nodes ${arg_DEPENDS} ${TROUPE_BUILD})
    set_target_properties(${target} PROPERTIES
      OUTPUT_NAME ${program} RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  endforeach()
endfunction()

# find_package(tilld-plugin 1 REQUIRED): what a plugin needs to be built outside the tree. The version is that of the plugin API.
# Everything is found from where this file lies, so that the whole can be moved.
get_filename_component(TILLD_PREFIX "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET tilld::plugin)
  add_library(tilld::plugin INTERFACE IMPORTED)
  target_include_directories(tilld::plugin INTERFACE "${TILLD_PREFIX}/include")
endif()
find_program(TILLD_PLUGIN_REPLAY tilld-plugin-replay HINTS "${TILLD_PREFIX}/bin")
find_program(TILLD_PLUGIN_CHECK tilld-plugin-check HINTS "${TILLD_PREFIX}/bin")
mark_as_advanced(TILLD_PLUGIN_REPLAY TILLD_PLUGIN_CHECK)

include("${CMAKE_CURRENT_LIST_DIR}/tilld-plugin-functions.cmake")

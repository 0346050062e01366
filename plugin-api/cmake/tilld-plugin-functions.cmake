# The words that the CMakeLists.txt of a plugin is written in, inside the tree and outside of it:
#   tilld_shape_plugin(TARGET)                           how any plugin is compiled and linked
#   tilld_add_plugin(NAME SOURCES a.cpp ... [LINK ...])  a plugin outside the tree, with an install rule
#   tilld_add_plugin_test(NAME PLUGIN TARGET SCRIPT x.script)  plays a recorded script against it
#   tilld_add_plugin_check(NAME PLUGIN TARGET CONFIG x.yaml)   checks that it keeps the rules

set(TILLD_PLUGIN_VERSION_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/plugin.version)

# A plugin resolves everything at load time and exports tilld_plugin_v1 and nothing else: weak symbols of templates would
# otherwise bind across plugins. It carries no run path, because it must not look for libraries where anybody may put them. The
# daemon refuses a file that others may write, and some compilers' users have a generous umask.
function(tilld_shape_plugin target)
  target_link_options(${target} PRIVATE -Wl,-z,now -Wl,--version-script=${TILLD_PLUGIN_VERSION_SCRIPT})
  set_target_properties(${target} PROPERTIES PREFIX "" SUFFIX ".so" CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON SKIP_BUILD_RPATH ON INSTALL_RPATH "" INSTALL_RPATH_USE_LINK_PATH OFF
    LINK_DEPENDS ${TILLD_PLUGIN_VERSION_SCRIPT})
  add_custom_command(TARGET ${target} POST_BUILD COMMAND chmod go-w $<TARGET_FILE:${target}> VERBATIM)
endfunction()

function(tilld_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 it "" "" "SOURCES;LINK")
  if(NOT it_SOURCES)
    message(FATAL_ERROR "tilld_add_plugin(${name}): name its files behind SOURCES.")
  endif()
  add_library(${name} MODULE ${it_SOURCES})
  target_link_libraries(${name} PRIVATE tilld::plugin ${it_LINK})
  tilld_shape_plugin(${name})
  # A library that was forgotten is noticed here and not when a shop starts. Sanitizers resolve their symbols later.
  if(NOT "${CMAKE_CXX_FLAGS} ${CMAKE_C_FLAGS}" MATCHES "-fsanitize")
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  if("${it_SOURCES}" MATCHES "\\.(cpp|cc|cxx|C)(;|$)")
    # The SDK for C++ reads and writes JSON with Boost; the header for C needs nothing.
    find_package(Boost 1.81 QUIET CONFIG COMPONENTS json)
    if(NOT TARGET Boost::json)
      message(FATAL_ERROR "tilld_add_plugin(${name}): a plugin in C++ needs Boost.JSON 1.81 or newer, and it was not found. "
        "On Debian 12: apt install libboost-json1.81-dev. A plugin in C needs no Boost.")
    endif()
    target_link_libraries(${name} PRIVATE Boost::json Boost::headers)
    target_compile_features(${name} PRIVATE cxx_std_20)
  endif()
  if("${it_SOURCES}" MATCHES "\\.c(;|$)")
    target_compile_features(${name} PRIVATE c_std_11)
  endif()
  install(TARGETS ${name} LIBRARY DESTINATION lib/tilld/plugins)
endfunction()

function(tilld_add_plugin_test name)
  cmake_parse_arguments(PARSE_ARGV 1 it "" "PLUGIN;SCRIPT" "")
  if(NOT TILLD_PLUGIN_REPLAY)
    message(FATAL_ERROR "tilld_add_plugin_test(${name}): tilld-plugin-replay was not found beside the SDK. Install tilld whole, or set "
      "TILLD_PLUGIN_REPLAY to its path.")
  endif()
  get_filename_component(script ${it_SCRIPT} ABSOLUTE)
  add_test(NAME ${name} COMMAND ${TILLD_PLUGIN_REPLAY} $<TARGET_FILE:${it_PLUGIN}> ${script})
  set_tests_properties(${name} PROPERTIES TIMEOUT 60)
endfunction()

function(tilld_add_plugin_check name)
  cmake_parse_arguments(PARSE_ARGV 1 it "" "PLUGIN;CONFIG" "ARGUMENTS")
  if(NOT TILLD_PLUGIN_CHECK)
    message(FATAL_ERROR "tilld_add_plugin_check(${name}): tilld-plugin-check was not found beside the SDK. Install tilld whole, or set "
      "TILLD_PLUGIN_CHECK to its path.")
  endif()
  get_filename_component(config ${it_CONFIG} ABSOLUTE)
  add_test(NAME ${name} COMMAND ${TILLD_PLUGIN_CHECK} $<TARGET_FILE:${it_PLUGIN}> --config ${config} ${it_ARGUMENTS})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()

# The few words that the CMakeLists.txt of the folders are written in:
#   tilld_library(NAME SOURCES a.cpp ... LINK target ...)   a static library of one folder
#   tilld_program(NAME SOURCES main.cpp ... LINK target ...) a program, installed to bin or sbin
#   tilld_plugin(NAME SOURCES driver.cpp ... LINK target ...) a plugin that exports one symbol
#   tilld_test(NAME SOURCES x_test.cpp ... LINK target ...)  one GoogleTest program, one ctest entry

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json filesystem)
find_package(yaml-cpp REQUIRED)
find_package(OpenSSL 3 REQUIRED)
pkg_check_modules(sqlite REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(spdlog REQUIRED IMPORTED_TARGET spdlog)
if(TILLD_TESTS)
  find_package(GTest REQUIRED)
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wno-missing-field-initializers
  "$<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>"
  "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-mismatched-new-delete;-fcoroutines>")
if(TILLD_SANITIZE)
  add_compile_options(-fsanitize=${TILLD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  # Nowhere to point and nothing to call ends a program anyway; the two checks are a fifth of the build.
  if(TILLD_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize=null,vptr)
  endif()
  # With sanitizers GCC 12 sees std::regex use what it does not.
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
  add_link_options(-fsanitize=${TILLD_SANITIZE})
  add_compile_definitions(TILLD_SANITIZED=1)
endif()

# Every object counts the edges that it takes, so that libFuzzer sees which input led somewhere new.
option(TILLD_FUZZ "Build tests/fuzz with libFuzzer (Clang only)" OFF)
if(TILLD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()

find_program(TILLD_MOLD mold)
if(TILLD_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(TILLD_CCACHE ccache)
if(TILLD_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${TILLD_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TILLD_CCACHE})
endif()

# Several files of a folder compiled as one: the headers are read once for all of them, and a clean build takes half the time.
# Off for daily work, where one file changed should be one file compiled, and where a forgotten include should be noticed.
option(TILLD_UNITY "Compile the programs in batches of files" OFF)
function(tilld_in_batches target)
  if(TILLD_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
    # What these two warn of comes from the batch alone: a type is local to its file, a name stands in the next file too.
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage> -Wno-shadow)
  endif()
endfunction()

# What every target sees: the repository as include path, so that an include names its folder.
add_library(tilld_settings INTERFACE)
target_include_directories(tilld_settings INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/plugin-api/include)
target_compile_definitions(tilld_settings INTERFACE TILLD_VERSION="${PROJECT_VERSION}")

function(tilld_library name)
  cmake_parse_arguments(PARSE_ARGV 1 it "" "" "SOURCES;LINK")
  add_library(${name} STATIC ${it_SOURCES})
  tilld_in_batches(${name})
  target_link_libraries(${name} PUBLIC tilld_settings ${it_LINK})
endfunction()

function(tilld_program name)
  cmake_parse_arguments(PARSE_ARGV 1 it "" "" "SOURCES;LINK")
  add_executable(${name} ${it_SOURCES})
  tilld_in_batches(${name})
  target_link_libraries(${name} PRIVATE tilld_settings ${it_LINK})
endfunction()

# The flags of a plugin are those that the installed SDK gives to plugins outside the tree.
include(plugin-api/cmake/tilld-plugin-functions.cmake)
function(tilld_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 it "" "" "SOURCES;LINK")
  add_library(${name} MODULE ${it_SOURCES})
  target_link_libraries(${name} PRIVATE tilld_settings ${it_LINK})
  tilld_in_batches(${name})
  tilld_shape_plugin(${name})
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${TILLD_PLUGIN_OUTPUT_DIRECTORY})
endfunction()

function(tilld_test name)
  if(NOT TILLD_TESTS)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 it "" "TIMEOUT" "SOURCES;LINK;ENVIRONMENT")
  add_executable(${name} ${it_SOURCES})
  # What a test itself does wrong shows in the test; watching its arithmetic doubles the time that it takes to compile.
  if(TILLD_SANITIZE MATCHES undefined)
    target_compile_options(${name} PRIVATE -fno-sanitize=undefined)
  endif()
  target_link_libraries(${name} PRIVATE tilld_settings ${it_LINK} GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT it_TIMEOUT)
    set(it_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${it_TIMEOUT} ENVIRONMENT "${it_ENVIRONMENT}")
endfunction()

# Numbered .sql files (0001_name.sql, ...) as a std::span<const tilld::base::migration> returned by FUNCTION, which the
# caller declares. SQL is written as SQL and travels inside the program.
function(tilld_migrations target function_name)
  set(text "#include \"base/sqlite.hpp\"\n")
  set(parts ${function_name})
  string(REPLACE "::" ";" parts "${parts}")
  list(POP_BACK parts plain_name)
  string(REPLACE ";" "::" space "${parts}")
  set(rows "")
  foreach(file ${ARGN})
    get_filename_component(absolute ${file} ABSOLUTE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${absolute})
    file(READ ${absolute} sql)
    get_filename_component(stem ${file} NAME)
    string(REGEX MATCH "^[0-9]+" number ${stem})
    math(EXPR number "${number}")
    string(APPEND rows "  {${number}, R\"SQL(${sql})SQL\"},\n")
  endforeach()
  string(APPEND text "namespace ${space} {\nstd::span<const tilld::base::migration> ${plain_name}() {\n"
    "  static constexpr tilld::base::migration all[] = {\n${rows}  };\n  return all;\n}\n}\n")
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_migrations.cpp)
  file(CONFIGURE OUTPUT ${out} CONTENT "${text}" @ONLY)
  # An object of its own: a program with other rows than these still has the same schema.
  set_source_files_properties(${out} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources(${target} PRIVATE ${out})
endfunction()

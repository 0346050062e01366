# Where everything goes below a prefix, in the parts that packages are made of:
#   till     the daemon, its plugin host, the plugins of the tree, tillctl
#   central  the central server
#   sdk      what an author of plugins needs: headers, CMake package, schemas, template
#   doc      pages, and configuration files to start from
# The programs find each other from where they lie, so an installed tree works under any prefix and may be moved.
# ./dev install PREFIX does it all.
set(TILLD_SHIPPED_PLUGINS escpos-printer serial-scanner simulated)
set(TILLD_SDK_PROGRAMS "")

install(TARGETS tilld RUNTIME DESTINATION sbin COMPONENT till)
install(TARGETS tilld-plugin-host RUNTIME DESTINATION libexec/tilld COMPONENT till)
install(TARGETS tillctl RUNTIME DESTINATION bin COMPONENT till)
# For whoever is to judge; it needs nothing else of this.
install(TARGETS tilld-verify RUNTIME DESTINATION bin COMPONENT till)
install(TARGETS ${TILLD_SHIPPED_PLUGINS} LIBRARY DESTINATION lib/tilld/plugins COMPONENT till)
install(TARGETS till-central RUNTIME DESTINATION sbin COMPONENT central)

# The units name the programs by their whole path: below /usr as they lie in the tree, elsewhere as installed.
foreach(unit tilld=till till-central=central)
  string(REGEX MATCH "^([^=]+)=(.+)$" _ ${unit})
  set(name ${CMAKE_MATCH_1})
  set(part ${CMAKE_MATCH_2})
  install(CODE "
    file(READ \"${CMAKE_SOURCE_DIR}/systemd/${name}.service\" unit)
    string(REPLACE /usr/sbin/ \"\${CMAKE_INSTALL_PREFIX}/sbin/\" unit \"\${unit}\")
    file(WRITE \"${CMAKE_BINARY_DIR}/installed-units/${name}.service\" \"\${unit}\")
    file(INSTALL \"${CMAKE_BINARY_DIR}/installed-units/${name}.service\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system\")
    " COMPONENT ${part})
  install(FILES systemd/sysusers.d/${name}.conf DESTINATION lib/sysusers.d COMPONENT ${part})
  install(FILES systemd/tmpfiles.d/${name}.conf DESTINATION lib/tmpfiles.d COMPONENT ${part})
endforeach()

# For editors; also where a till has no SDK.
install(FILES config/schema/tilld.schema.json config/schema/tilld-drop-in.schema.json DESTINATION share/tilld COMPONENT till)
install(FILES config/schema/central.schema.json DESTINATION share/tilld COMPONENT central)

install(DIRECTORY systemd/udev/ DESTINATION lib/udev/rules.d COMPONENT till FILES_MATCHING PATTERN "*.rules")

install(DIRECTORY plugin-api/include/ DESTINATION include COMPONENT sdk FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(DIRECTORY plugin-api/schema DESTINATION share/tilld COMPONENT sdk)
install(DIRECTORY plugin-api/template DESTINATION share/tilld COMPONENT sdk
  REGEX "/template/CMakeLists\\.txt$" EXCLUDE)
install(FILES plugin-api/cmake/tilld-plugin-config.cmake plugin-api/cmake/tilld-plugin-functions.cmake plugin-api/cmake/plugin.version
  ${CMAKE_BINARY_DIR}/lib/cmake/tilld-plugin/tilld-plugin-config-version.cmake
  DESTINATION lib/cmake/tilld-plugin COMPONENT sdk)
if(TARGET tilld-plugin-replay)
  list(APPEND TILLD_SDK_PROGRAMS tilld-plugin-replay)
endif()
if(TARGET tilld-plugin-check)
  list(APPEND TILLD_SDK_PROGRAMS tilld-plugin-check)
endif()
if(TILLD_SDK_PROGRAMS)
  install(TARGETS ${TILLD_SDK_PROGRAMS} RUNTIME DESTINATION bin COMPONENT sdk)
endif()

install(FILES README.md CHANGELOG.md LICENSE DESTINATION share/doc/tilld COMPONENT doc)
install(DIRECTORY docs/ DESTINATION share/doc/tilld/docs COMPONENT doc FILES_MATCHING PATTERN "*.md")
# Files to start from are copied to /etc, so the first line that tells editors their schema names it by its whole path there.
install(CODE "
  file(GLOB_RECURSE files RELATIVE \"${CMAKE_SOURCE_DIR}/config\" \"${CMAKE_SOURCE_DIR}/config/*.yaml\")
  foreach(file IN LISTS files)
    file(READ \"${CMAKE_SOURCE_DIR}/config/\${file}\" text)
    string(REGEX REPLACE \"[$]schema=[./]*schema/\" \"$schema=\${CMAKE_INSTALL_PREFIX}/share/tilld/\" text \"\${text}\")
    file(WRITE \"${CMAKE_BINARY_DIR}/installed-config/\${file}\" \"\${text}\")
  endforeach()
  file(INSTALL \"${CMAKE_BINARY_DIR}/installed-config/\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/share/doc/tilld/config\")
  " COMPONENT doc)
foreach(plugin ${TILLD_SHIPPED_PLUGINS})
  install(FILES plugins/${plugin}/README.md DESTINATION share/doc/tilld/plugins/${plugin} COMPONENT doc)
endforeach()
# The two that are there to be read: the model in C++ and the example in C.
foreach(plugin serial-scanner example-scale)
  install(DIRECTORY plugins/${plugin} DESTINATION share/doc/tilld/plugins COMPONENT doc FILES_MATCHING PATTERN "*.c" PATTERN "*.h"
    PATTERN "*.cpp" PATTERN "*.hpp" PATTERN "*.md" PATTERN "*.yaml" PATTERN "*.script" PATTERN "CMakeLists.txt")
endforeach()

# All that is installed, and nothing else: `cmake --build build/dev --target installed`.
add_custom_target(installed)
add_dependencies(installed tilld tilld-plugin-host tillctl tilld-verify till-central ${TILLD_SHIPPED_PLUGINS} ${TILLD_SDK_PROGRAMS})

# The build folder looks like a prefix to find_package and tillctl new-plugin, so that both work without installing.
include(CMakePackageConfigHelpers)
file(STRINGS plugin-api/include/tilld/plugin.h abi REGEX "^#define TILLD_ABI(_MINOR)? ")
string(REGEX MATCH "TILLD_ABI ([0-9]+)" _ "${abi}")
set(abi_major ${CMAKE_MATCH_1})
string(REGEX MATCH "TILLD_ABI_MINOR ([0-9]+)" _ "${abi}")
write_basic_package_version_file(${CMAKE_BINARY_DIR}/lib/cmake/tilld-plugin/tilld-plugin-config-version.cmake
  VERSION ${abi_major}.${CMAKE_MATCH_1} COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)
foreach(file tilld-plugin-config.cmake tilld-plugin-functions.cmake plugin.version)
  configure_file(plugin-api/cmake/${file} ${CMAKE_BINARY_DIR}/lib/cmake/tilld-plugin/${file} COPYONLY)
endforeach()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include ${CMAKE_BINARY_DIR}/share/tilld)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/plugin-api/include/tilld ${CMAKE_BINARY_DIR}/include/tilld SYMBOLIC)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/plugin-api/template ${CMAKE_BINARY_DIR}/share/tilld/template SYMBOLIC)

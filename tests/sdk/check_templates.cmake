# Every start of the template, and the plugins that are there to be read, keep the rules that tilld-plugin-check knows.
function(tilld_rules_test plugin config)
  add_test(NAME rules-of-${plugin} COMMAND tilld-plugin-check $<TARGET_FILE:${plugin}> --config ${config} ${ARGN})
  set_tests_properties(rules-of-${plugin} PROPERTIES TIMEOUT 120)
endfunction()

set(template ${CMAKE_SOURCE_DIR}/plugin-api/template)
# The last check does eleven others once more behind a slow host; docs/plugin-guide.md has it done for the scanners.
set(all_but_the_slow_one --only 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19)
foreach(interface reader printer display tender customer own)
  tilld_rules_test(template-${interface} ${template}/c++/${interface}/tests/check.yaml --uses-device ${all_but_the_slow_one})
endforeach()
foreach(interface reader display own)
  tilld_rules_test(template-${interface}-c ${template}/c/${interface}/tests/check.yaml ${all_but_the_slow_one})
endforeach()
tilld_rules_test(example-scale ${template}/c/own/tests/check.yaml)

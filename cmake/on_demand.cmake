# callsheetOnDemand(TARGET PREFIX): compiles the target against the shared library that pkg_check_modules found under the
# prefix, without linking it, and tells it as CALLSHEET_LIBNAME under which name to load that.
function(callsheetOnDemand target prefix)
  list(GET ${prefix}_LINK_LIBRARIES 0 file)
  execute_process(COMMAND ${CMAKE_READELF} -d ${file} OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
  if(NOT dynamic MATCHES "SONAME[^\n]*\\[(([a-z]+)[^]]*)\\]")
    message(FATAL_ERROR "${file} does not say under which name it is loaded.")
  endif()
  string(TOUPPER CALLSHEET_${CMAKE_MATCH_2} macro)
  target_compile_definitions(${target} PRIVATE ${macro}="${CMAKE_MATCH_1}")
  target_include_directories(${target} SYSTEM PRIVATE ${${prefix}_INCLUDE_DIRS})
endfunction()

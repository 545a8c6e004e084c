# callsheetFloor(NAME [INTERNAL] [PUBLIC libs...] [PRIVATE libs...]): one static library for one floor, from all its .cpp
# files. An internal one is the command's own and is not installed.
set(CALLSHEET_WARNINGS -Wall -Wextra $<$<BOOL:${CALLSHEET_WERROR}>:-Werror>)

add_library(callsheet_options INTERFACE)
target_compile_options(callsheet_options INTERFACE ${CALLSHEET_WARNINGS})
if(CALLSHEET_SANITIZE)
  target_compile_options(callsheet_options INTERFACE -fsanitize=${CALLSHEET_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(callsheet_options INTERFACE -fsanitize=${CALLSHEET_SANITIZE})
endif()

function(callsheetFloor name)
  cmake_parse_arguments(FLOOR "INTERNAL" "" "PUBLIC;PRIVATE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_library(callsheet_${name} STATIC ${sources})
  add_library(callsheet::${name} ALIAS callsheet_${name})
  set_target_properties(callsheet_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(callsheet_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_features(callsheet_${name} PUBLIC cxx_std_20)
  target_link_libraries(callsheet_${name} PUBLIC ${FLOOR_PUBLIC} PRIVATE ${FLOOR_PRIVATE} $<BUILD_INTERFACE:callsheet_options>)
  if(NOT FLOOR_INTERNAL)
    set_property(GLOBAL APPEND PROPERTY CALLSHEET_FLOORS callsheet_${name})
  endif()
endfunction()

# Installs the public headers, the floors' libraries and a package, so that find_package(callsheet) gives callsheet::callsheet.
include(CMakePackageConfigHelpers)

add_library(callsheet INTERFACE)
add_library(callsheet::callsheet ALIAS callsheet)
target_link_libraries(callsheet INTERFACE callsheet_director)

get_property(floors GLOBAL PROPERTY CALLSHEET_FLOORS)
install(TARGETS callsheet ${floors} EXPORT callsheetTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/callsheet DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT callsheetTargets NAMESPACE callsheet:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/callsheet)
configure_package_config_file(cmake/callsheetConfig.cmake.in ${PROJECT_BINARY_DIR}/callsheetConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/callsheet)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/callsheetConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/callsheetConfig.cmake ${PROJECT_BINARY_DIR}/callsheetConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/callsheet)

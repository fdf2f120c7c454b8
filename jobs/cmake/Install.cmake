include(CMakePackageConfigHelpers)
set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/fortet)
install(TARGETS fortet EXPORT fortet_targets)
install(TARGETS fortet_program)
install(DIRECTORY include/fortet DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT fortet_targets NAMESPACE fortet:: DESTINATION ${config_folder} FILE fortet_targets.cmake)
configure_package_config_file(jobs/cmake/fortet-config.cmake.in ${CMAKE_BINARY_DIR}/fortet-config.cmake
  INSTALL_DESTINATION ${config_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/fortet-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/fortet-config.cmake ${CMAKE_BINARY_DIR}/fortet-config-version.cmake
  DESTINATION ${config_folder})
install(FILES ${report_files} DESTINATION ${CMAKE_INSTALL_DATADIR}/fortet/report)

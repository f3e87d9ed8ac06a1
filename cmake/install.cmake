# The installed product: one static library of all folders, public headers, find_package(visavis),
# pkg-config, the program, its manual page and completions.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Imported targets are only known where they were looked for; visavis-config.cmake.in looks for the
# same.
find_package(Freetype REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(Protobuf REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp)

# Measurement and evaluation stay out of the library: no public header shows them.
get_property(folders GLOBAL PROPERTY VISAVIS_FOLDERS)
list(REMOVE_ITEM folders visavis_bench visavis_doctor visavis_evaluate visavis_quantize visavis_report)
set(objects "")
set(libraries "")
foreach(folder ${folders})
  list(APPEND objects $<TARGET_OBJECTS:${folder}>)
  get_target_property(links ${folder} LINK_LIBRARIES)
  foreach(link ${links})
    # Headers alone need no linking.
    if(NOT link MATCHES "^visavis_|nlohmann_json")
      list(APPEND libraries ${link})
    endif()
  endforeach()
endforeach()
list(REMOVE_DUPLICATES libraries)

add_library(visavis_library STATIC ${objects})
set_target_properties(visavis_library PROPERTIES OUTPUT_NAME visavis EXPORT_NAME visavis
  LINKER_LANGUAGE CXX)
target_compile_features(visavis_library INTERFACE cxx_std_20)
target_include_directories(visavis_library INTERFACE
  "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_link_libraries(visavis_library INTERFACE ${libraries})
install(TARGETS visavis_library EXPORT visavis-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

install(TARGETS visavis RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/visavis DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/visavis)
install(EXPORT visavis-targets NAMESPACE visavis:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/visavis-config.cmake.in
  ${CMAKE_BINARY_DIR}/visavis-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/visavis-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/visavis-config.cmake
  ${CMAKE_BINARY_DIR}/visavis-config-version.cmake DESTINATION ${package_dir})

configure_file(${CMAKE_CURRENT_LIST_DIR}/visavis.pc.in ${CMAKE_BINARY_DIR}/visavis.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/visavis.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(reference_dir ${CMAKE_BINARY_DIR}/apps/visavis)
install(FILES ${reference_dir}/visavis.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${reference_dir}/visavis.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME visavis)
install(FILES ${reference_dir}/_visavis
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})

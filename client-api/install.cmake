# How libgiromq is built for others: hidden symbols, headers, a CMake package and a pkg-config file. Included by CMakeLists.txt.
# `cmake --install BUILD --component giromq_client --prefix DIR` installs what a program needs that is written against it.
if(NOT TARGET giromq_client)
  return()
endif()
include(CMakePackageConfigHelpers)

set_target_properties(giromq_client PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON EXPORT_NAME giromq)
target_compile_features(giromq_client PUBLIC cxx_std_20)
if(NOT GIROMQ_SANITIZE)
  # A library under a sanitizer takes its runtime from the program, which --no-undefined would forbid.
  target_link_options(giromq_client PRIVATE "-Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/package/libgiromq.map" -Wl,--no-undefined)
  set_property(TARGET giromq_client APPEND PROPERTY LINK_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/package/libgiromq.map")
endif()

# The same objects as a static library, with nothing hidden from the unit tests.
add_library(giromq_client_internal STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:giromq_client>)
target_include_directories(giromq_client_internal PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}/include" "${CMAKE_CURRENT_SOURCE_DIR}/src")
target_link_libraries(giromq_client_internal PUBLIC giromq_xa giromq_third_proton giromq_third_boost giromq_third_openssl)

set(giromq_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/giromq")
install(TARGETS giromq_client EXPORT giromq-targets COMPONENT giromq_client LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/include/giromq" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT giromq_client
  PATTERN selector.hpp EXCLUDE)  # which comes with its library (selector.cmake)
install(EXPORT giromq-targets NAMESPACE giromq:: DESTINATION ${giromq_package_dir} COMPONENT giromq_client)
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/giromq-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES package/giromq-config.cmake "${CMAKE_CURRENT_BINARY_DIR}/giromq-config-version.cmake" DESTINATION ${giromq_package_dir}
  COMPONENT giromq_client)

# The prefix is known only when it is installed (cmake --install --prefix), so the file is made then.
function(giromq_install_pkg_config name component)
  install(CODE "
    set(CMAKE_INSTALL_LIBDIR \"${CMAKE_INSTALL_LIBDIR}\")
    set(CMAKE_INSTALL_INCLUDEDIR \"${CMAKE_INSTALL_INCLUDEDIR}\")
    set(PROJECT_VERSION \"${PROJECT_VERSION}\")
    configure_file(\"${CMAKE_CURRENT_SOURCE_DIR}/package/${name}.pc.in\"
      \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig/${name}.pc\" @ONLY)"
    COMPONENT ${component})
endfunction()
giromq_install_pkg_config(giromq giromq_client)

if(TARGET giromq_tool)
  file(RELATIVE_PATH giromq_tool_to_lib "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBDIR}")
  set_target_properties(giromq_tool PROPERTIES INSTALL_RPATH "$ORIGIN/${giromq_tool_to_lib}")
endif()

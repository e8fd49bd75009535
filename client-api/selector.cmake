# libgiromq-selector: selectors without a broker, from the broker's own parts. It is optional, since it needs Xerces, which libgiromq
# does not.
# `cmake --install BUILD --component giromq_selector --prefix DIR` installs it beside the component giromq_client, which it needs.
if(NOT TARGET giromq_client)
  return()
endif()
file(GLOB selector_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/selector/*.cpp")
set(selector_map "${CMAKE_CURRENT_SOURCE_DIR}/package/libgiromq-selector.map")
add_library(giromq_selector_client SHARED ${selector_sources})
set_target_properties(giromq_selector_client PROPERTIES OUTPUT_NAME giromq-selector VERSION ${PROJECT_VERSION} SOVERSION 0
  CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON EXPORT_NAME selector INSTALL_RPATH "$ORIGIN")
# The broker's parts are in it, and not visible from outside.
target_link_libraries(giromq_selector_client PUBLIC giromq_client PRIVATE giromq_selector)
foreach(part IN ITEMS selector xml model base)
  # An option for each: mold 1.10 takes a list of them, and never ends.
  target_link_options(giromq_selector_client PRIVATE -Wl,--exclude-libs,libgiromq_${part}.a)
endforeach()
if(NOT GIROMQ_SANITIZE)
  target_link_options(giromq_selector_client PRIVATE "-Wl,--version-script=${selector_map}" -Wl,--no-undefined)
  set_property(TARGET giromq_selector_client APPEND PROPERTY LINK_DEPENDS "${selector_map}")
endif()

install(TARGETS giromq_selector_client EXPORT giromq-selector-targets COMPONENT giromq_selector LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/giromq/selector.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/giromq COMPONENT giromq_selector)
install(EXPORT giromq-selector-targets NAMESPACE giromq:: DESTINATION ${giromq_package_dir} COMPONENT giromq_selector)
giromq_install_pkg_config(giromq-selector giromq_selector)

# How libgiromq is built for others: hidden symbols, headers, a CMake package and a pkg-config file. Included by CMakeLists.txt.
if(NOT TARGET giromq_client)
  return()
endif()

set_target_properties(giromq_client PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON EXPORT_NAME giromq)
target_compile_features(giromq_client PUBLIC cxx_std_20)

# The same objects as a static library, with nothing hidden from the unit tests.
add_library(giromq_client_internal STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:giromq_client>)
target_include_directories(giromq_client_internal PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}/include" "${CMAKE_CURRENT_SOURCE_DIR}/src")
target_link_libraries(giromq_client_internal PUBLIC giromq_third_proton giromq_third_boost giromq_third_openssl)

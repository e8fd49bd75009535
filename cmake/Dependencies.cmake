# Third-party packages, all from Debian 12. Each is an INTERFACE target so that a folder names what it may use, and no other.
find_package(PkgConfig REQUIRED)

function(giromq_third_party name)
  add_library(giromq_third_${name} INTERFACE)
endfunction()

find_package(OpenSSL REQUIRED)
giromq_third_party(openssl)
target_link_libraries(giromq_third_openssl INTERFACE OpenSSL::SSL OpenSSL::Crypto)

find_package(SQLite3 REQUIRED)
giromq_third_party(sqlite)
target_link_libraries(giromq_third_sqlite INTERFACE SQLite::SQLite3)

# It is in the process anyway, for Xerces-C.
find_package(ICU REQUIRED COMPONENTS uc)
giromq_third_party(icu)
target_link_libraries(giromq_third_icu INTERFACE ICU::uc)

find_package(XercesC REQUIRED)
giromq_third_party(xerces)
target_link_libraries(giromq_third_xerces INTERFACE XercesC::XercesC)

pkg_check_modules(PROTON REQUIRED IMPORTED_TARGET libqpid-proton)
giromq_third_party(proton)
target_link_libraries(giromq_third_proton INTERFACE PkgConfig::PROTON)

# Debian's Boost 1.81; Asio, Beast and URL are used header-only, JSON is compiled once (admin-web/boost_json.cpp).
find_path(GIROMQ_BOOST_INCLUDE boost/asio/any_completion_handler.hpp REQUIRED)
giromq_third_party(boost)
target_include_directories(giromq_third_boost SYSTEM INTERFACE "${GIROMQ_BOOST_INCLUDE}")
target_compile_definitions(giromq_third_boost INTERFACE BOOST_ASIO_NO_DEPRECATED)
if(GIROMQ_SANITIZE STREQUAL "thread")
  # The thread sanitizer does not know fences; Asio's locks order the same memory. g++ warns of those that remain.
  target_compile_definitions(giromq_third_boost INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
  target_compile_options(giromq_third_boost INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
endif()
target_link_libraries(giromq_third_boost INTERFACE Threads::Threads)

find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
giromq_third_party(spdlog)
target_link_libraries(giromq_third_spdlog INTERFACE spdlog::spdlog fmt::fmt)

find_package(CLI11 REQUIRED)
giromq_third_party(cli11)
target_link_libraries(giromq_third_cli11 INTERFACE CLI11::CLI11)

find_package(prometheus-cpp REQUIRED)
giromq_third_party(prometheus)
target_link_libraries(giromq_third_prometheus INTERFACE prometheus-cpp::core)

# Only for examples/xa-transfer, which is left out without it.
pkg_check_modules(LIBPQ IMPORTED_TARGET libpq)
if(TARGET PkgConfig::LIBPQ)
  giromq_third_party(libpq)
  target_link_libraries(giromq_third_libpq INTERFACE PkgConfig::LIBPQ)
endif()

pkg_check_modules(SYSTEMD IMPORTED_TARGET libsystemd)
giromq_third_party(systemd)
if(TARGET PkgConfig::SYSTEMD)
  target_link_libraries(giromq_third_systemd INTERFACE PkgConfig::SYSTEMD)
  target_compile_definitions(giromq_third_systemd INTERFACE GIROMQ_HAVE_SYSTEMD=1)
endif()

if(GIROMQ_TESTS)
  pkg_check_modules(CPPUNIT REQUIRED IMPORTED_TARGET cppunit)
  giromq_third_party(cppunit)
  target_link_libraries(giromq_third_cppunit INTERFACE PkgConfig::CPPUNIT)
endif()

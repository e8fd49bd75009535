# Warnings, sanitizers, the compiler cache and the linker: everything that is the same for every target.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

find_program(GIROMQ_CCACHE ccache)
if(GIROMQ_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths below the source folder do not count, so that build folders and clones share what was compiled once.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND};-E;env;CCACHE_BASEDIR=${PROJECT_SOURCE_DIR};CCACHE_NOHASHDIR=1;CCACHE_SLOPPINESS=time_macros;${GIROMQ_CCACHE}")
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Werror
                    -fno-omit-frame-pointer)
if(CMAKE_UNITY_BUILD)
  # Files that are compiled together do not see each other's names on purpose.
  add_compile_options(-Wno-shadow)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these inside inlined library code that it misreads at -O2; clang and the sanitizers watch over the real ones.
  add_compile_options(-Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-restrict)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_definitions(_FORTIFY_SOURCE=2)
  add_compile_options(-fstack-protector-strong)
endif()

if(GIROMQ_SANITIZE)
  add_compile_options(-fsanitize=${GIROMQ_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GIROMQ_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND GIROMQ_SANITIZE MATCHES "undefined")
    # clang 14 cannot write down what this check keeps with a function if the function is a coroutine.
    add_compile_options(-fno-sanitize=function)
  endif()
endif()

find_program(GIROMQ_MOLD mold)
find_program(GIROMQ_LLD ld.lld)
if(GIROMQ_MOLD AND NOT GIROMQ_SANITIZE)
  add_link_options(-fuse-ld=mold)
elseif(GIROMQ_LLD AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_link_options(-fuse-ld=lld)
endif()

find_package(Threads REQUIRED)

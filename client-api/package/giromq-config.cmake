# find_package(giromq) defines the target giromq::giromq. The library needs nothing else at compile time.
include("${CMAKE_CURRENT_LIST_DIR}/giromq-targets.cmake")

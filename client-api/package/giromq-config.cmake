# find_package(giromq) defines the target giromq::giromq. The library needs nothing else at compile time.
# find_package(giromq COMPONENTS selector) also defines giromq::selector, where libgiromq-selector is installed.
include("${CMAKE_CURRENT_LIST_DIR}/giromq-targets.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/giromq-selector-targets.cmake" OPTIONAL RESULT_VARIABLE giromq_selector_targets)

foreach(component IN LISTS giromq_FIND_COMPONENTS)
  if(component STREQUAL "selector" AND giromq_selector_targets)
    set(giromq_${component}_FOUND TRUE)
  else()
    set(giromq_${component}_FOUND FALSE)
    if(giromq_FIND_REQUIRED_${component})
      set(giromq_FOUND FALSE)
      set(giromq_NOT_FOUND_MESSAGE "The component '${component}' of giromq is not installed; there is one, 'selector'.")
    endif()
  endif()
endforeach()
unset(giromq_selector_targets)

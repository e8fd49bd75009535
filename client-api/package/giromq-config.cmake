# find_package(giromq) defines the target giromq::giromq. The library needs nothing else at compile time.
# find_package(giromq COMPONENTS selector xa) also defines giromq::selector and giromq::xa, where libgiromq-selector and libgiromq-xa are
# installed.
include("${CMAKE_CURRENT_LIST_DIR}/giromq-targets.cmake")
foreach(component IN ITEMS selector xa)
  include("${CMAKE_CURRENT_LIST_DIR}/giromq-${component}-targets.cmake" OPTIONAL RESULT_VARIABLE giromq_${component}_targets)
endforeach()

foreach(component IN LISTS giromq_FIND_COMPONENTS)
  if(component MATCHES "^(selector|xa)$" AND giromq_${component}_targets)
    set(giromq_${component}_FOUND TRUE)
  else()
    set(giromq_${component}_FOUND FALSE)
    if(giromq_FIND_REQUIRED_${component})
      set(giromq_FOUND FALSE)
      set(giromq_NOT_FOUND_MESSAGE "The component '${component}' of giromq is not installed; there are 'selector' and 'xa'.")
    endif()
  endif()
endforeach()
unset(giromq_selector_targets)
unset(giromq_xa_targets)

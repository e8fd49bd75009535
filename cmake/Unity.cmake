# Where several files are compiled at once (the preset fuzz), these are compiled alone: names that they keep to themselves are
# those of other files of the same target.
function(giromq_compile_apart target)
  set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
function(giromq_compile_all_apart)
  foreach(target IN LISTS ARGN)
    if(TARGET ${target})
      set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
    endif()
  endforeach()
endfunction()

# Where several files are compiled at once (the preset fuzz; unit tests in the preset ci), some are compiled alone: names that they keep
# to themselves are those of other files of the same target.
function(giromq_compile_apart target)
  list(TRANSFORM ARGN PREPEND "${PROJECT_SOURCE_DIR}/")
  set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

if(CMAKE_UNITY_BUILD)
  giromq_compile_apart(giromq_security broker/security/user_directory.cpp)
  giromq_compile_apart(giromq_store_sqlite broker/store/sqlite/page_reader.cpp)
  giromq_compile_apart(giromq_selector broker/selector/sql_parser.cpp)
  giromq_compile_apart(giromq_core broker/core/queue_look.cpp broker/core/selection_giving.cpp broker/core/selection_search.cpp)
  giromq_compile_apart(giromq_amqp broker/amqp/sender_link.cpp broker/amqp/xa_values.cpp)
  giromq_compile_apart(giromq_admin broker/admin/messages.cpp broker/admin/monitor.cpp broker/admin/mover.cpp)
  giromq_compile_apart(giromq_client client-api/src/producer_core.cpp client-api/src/xa_codec.cpp)
  # Each route has small functions of the same names.
  set_target_properties(giromq_admin_web PROPERTIES UNITY_BUILD OFF)
  if(GIROMQ_TESTS)
    giromq_compile_apart(giromq_test_fault tests/fault/power_loss_vfs.cpp)
  endif()
endif()

if(GIROMQ_TESTS AND (CMAKE_UNITY_BUILD OR GIROMQ_UNITY_TESTS))
  giromq_compile_apart(giromq_test_unit_client tests/unit/client/test_broker.cpp tests/unit/client/test_coordinator.cpp
    tests/unit/client/test_xa_coordinator.cpp tests/unit/client/transaction_test.cpp)
  giromq_compile_apart(giromq_test_unit_xa_switch tests/unit/client/test_xa_coordinator.cpp)
endif()

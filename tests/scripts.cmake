# Tests that are scripts over real processes (included by CMakeLists.txt). Each finds the programs through GIROMQ_BUILD_DIR, and ends with
# exit code 77 when a tool that it needs is not there.

# giromq_script_test(NAME COMMAND command... LABELS label... [TIMEOUT seconds] [PROCESSORS n])
function(giromq_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 TEST "" "TIMEOUT;PROCESSORS" "COMMAND;LABELS")
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  if(NOT TEST_PROCESSORS)
    set(TEST_PROCESSORS 1)
  endif()
  add_test(NAME ${name} COMMAND ${TEST_COMMAND})
  set_tests_properties(${name} PROPERTIES LABELS "${TEST_LABELS}" TIMEOUT ${TEST_TIMEOUT} PROCESSORS ${TEST_PROCESSORS}
    SKIP_RETURN_CODE 77 ENVIRONMENT "GIROMQ_BUILD_DIR=${PROJECT_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1")
endfunction()

# python3-qpid-proton is a module of Debian's Python, which need not be the first python3 of the PATH.
set(giromq_system_python /usr/bin/python3)

# Clients of the storm over libgiromq; the storm goes without them when they are not built.
if(TARGET giromq_client)
  add_executable(giromq_test_storm_client integration/storm/native_client.cpp)
  target_link_libraries(giromq_test_storm_client PRIVATE giromq_client giromq_third_cli11)
endif()

# The storm of kill -9. An hour is for GIROMQ_TEST_LONG=1; otherwise it ends within a minute or two.
giromq_script_test(storm COMMAND ${giromq_system_python} "${CMAKE_CURRENT_SOURCE_DIR}/integration/storm/storm.py"
  LABELS integration storm fault TIMEOUT 5400 PROCESSORS 2)

giromq_sanitize_with(storm giromqd)
if(TARGET giromq_test_storm_client)
  giromq_sanitize_with(storm giromq_test_storm_client)
endif()

giromq_script_test(interop_python COMMAND ${giromq_system_python} "${CMAKE_CURRENT_SOURCE_DIR}/interop/python/run.py"
  LABELS interop TIMEOUT 900)
giromq_script_test(interop_rhea COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/interop/rhea/run.sh" LABELS interop TIMEOUT 600)
# Needs Java, Maven and a registry, which the project does not depend on: it is skipped with a word where they are missing.
giromq_script_test(interop_qpid_jms COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/interop/qpid_jms/run.sh" LABELS interop TIMEOUT 1200 PROCESSORS 2)

# Loaded into the broker by daemon_store_failure, to let fsync fail when the test says so.
add_library(giromq_test_failing_sync MODULE integration/daemon/failing_sync.cpp)
target_link_libraries(giromq_test_failing_sync PRIVATE ${CMAKE_DL_LIBS})

# libgiromq against another AMQP 1.0 broker, where one is installed.
if(TARGET giromq_client)
  add_executable(giromq_test_foreign_client interop/foreign/foreign_client.cpp)
  target_link_libraries(giromq_test_foreign_client PRIVATE giromq_client)
endif()
giromq_script_test(interop_foreign COMMAND ${giromq_system_python} "${CMAKE_CURRENT_SOURCE_DIR}/interop/foreign/run.py"
  LABELS interop TIMEOUT 600 PROCESSORS 2)

# Bitronix, a transaction manager for Java, over a bridge to the C switch, with PostgreSQL as the second resource.
find_path(GIROMQ_JNI_INCLUDE jni.h PATHS /usr/lib/jvm/default-java/include /usr/lib/jvm/java-17-openjdk-amd64/include)
if(TARGET giromq_xa_switch AND GIROMQ_JNI_INCLUDE)
  add_library(giromq_test_xa_bridge MODULE interop/bitronix/switch_bridge.cpp)
  target_include_directories(giromq_test_xa_bridge SYSTEM PRIVATE "${GIROMQ_JNI_INCLUDE}" "${GIROMQ_JNI_INCLUDE}/linux")
  target_include_directories(giromq_test_xa_bridge PRIVATE "${PROJECT_SOURCE_DIR}/xa/switch/include")
  target_link_libraries(giromq_test_xa_bridge PRIVATE ${CMAKE_DL_LIBS})
  add_dependencies(giromq_test_xa_bridge giromq_xa_switch)
endif()
giromq_script_test(interop_bitronix COMMAND ${giromq_system_python} "${CMAKE_CURRENT_SOURCE_DIR}/interop/bitronix/run.py"
  LABELS interop fault TIMEOUT 600 PROCESSORS 2)

# LIXA is not in Debian: skipped with a word where it is not installed.
giromq_script_test(interop_lixa COMMAND ${giromq_system_python} "${CMAKE_CURRENT_SOURCE_DIR}/interop/lixa/run.py"
  LABELS interop fault TIMEOUT 600 PROCESSORS 2)

# The crash matrix of XA, and the storm of applications that transfer money under XA.
if(TARGET giromq_client)
  add_executable(giromq_test_xa_driver integration/xa_matrix/driver.cpp)
  target_link_libraries(giromq_test_xa_driver PRIVATE giromq_client)
endif()
add_library(giromq_test_full_disk MODULE integration/xa_matrix/full_disk.cpp)
target_link_libraries(giromq_test_full_disk PRIVATE ${CMAKE_DL_LIBS})
giromq_script_test(xa_matrix COMMAND ${giromq_system_python} "${CMAKE_CURRENT_SOURCE_DIR}/integration/xa_matrix/matrix.py"
  LABELS integration fault TIMEOUT 900 PROCESSORS 2)

giromq_script_test(xa_storm COMMAND ${giromq_system_python} "${CMAKE_CURRENT_SOURCE_DIR}/integration/xa_matrix/storm.py"
  LABELS integration fault TIMEOUT 5400 PROCESSORS 2)

# Transacted sessions of libgiromq against the broker, both of them killed.
if(TARGET giromq_client)
  add_executable(giromq_test_transaction_client integration/transactions/transaction_client.cpp)
  target_link_libraries(giromq_test_transaction_client PRIVATE giromq_client)
endif()
giromq_script_test(transactions COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/integration/transactions/run.sh" LABELS integration fault TIMEOUT 600)

# Makes stores with branches in doubt, for daemon_xa and for the benchmark of a start.
add_executable(giromq_test_in_doubt integration/in_doubt/main.cpp)
target_link_libraries(giromq_test_in_doubt PRIVATE giromq_store_sqlite giromq_store)

# Branches of global transactions: libgiromq's XAResource and the C switch against the broker, which is killed.
if(TARGET giromq_client)
  add_executable(giromq_test_branch_client integration/global_transactions/branch_client.cpp)
  target_link_libraries(giromq_test_branch_client PRIVATE giromq_client)
endif()
giromq_script_test(global_transactions COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/integration/global_transactions/run.sh"
  LABELS integration fault TIMEOUT 600)

# The web console: its parts without a browser, and the whole in Chromium against giromqd. Both are skipped with a word where what they need
# is not there; neither has anything of C++ in it, so the sanitizers do without.
if(NOT GIROMQ_SANITIZE)
  giromq_script_test(console_unit COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/browser/unit.sh" LABELS unit TIMEOUT 120)
  giromq_script_test(console_browser COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/browser/run.sh"
    LABELS browser integration TIMEOUT 400 PROCESSORS 2)
endif()

# Every script tests/integration/daemon/NAME.sh is the test daemon_NAME.
file(GLOB daemon_scripts CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/integration/daemon/*.sh")
foreach(script IN LISTS daemon_scripts)
  get_filename_component(name "${script}" NAME_WE)
  giromq_script_test(daemon_${name} COMMAND "${script}" LABELS integration)
endforeach()

if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/integration/client_package/run.sh")
  giromq_script_test(client_package COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/integration/client_package/run.sh" LABELS integration TIMEOUT 900)
endif()

if(TARGET giromq-xa-transfer)
  giromq_sanitize_with(unit giromq-xa-transfer)
  giromq_script_test(xa_transfer_self_test COMMAND giromq-xa-transfer self-test LABELS unit TIMEOUT 120)
endif()

# The example: the parts that need no broker, then the whole job with everything killed at every point.
if(TARGET giromq-payments)
  giromq_sanitize_with(unit giromq-payments)
  giromq_script_test(payments_self_test COMMAND giromq-payments self-test LABELS unit TIMEOUT 120)
  giromq_script_test(payments COMMAND "${PROJECT_SOURCE_DIR}/examples/payments/test.sh" LABELS integration fault TIMEOUT 600)
endif()

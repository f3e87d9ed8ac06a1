# The few functions every folder's CMakeLists.txt uses.

add_library(visavis_options INTERFACE)
target_compile_options(visavis_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror -fno-math-errno)
target_include_directories(visavis_options INTERFACE
  "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>" "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src>")
if(VISAVIS_SANITIZE)
  # Line numbers are all a report needs. GCC sees uninitialised values in instrumented code that are not there.
  target_compile_options(visavis_options INTERFACE -fsanitize=${VISAVIS_SANITIZE} -fno-omit-frame-pointer -g1
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(visavis_options INTERFACE -fsanitize=${VISAVIS_SANITIZE})
endif()

# visavis_folder(NAME SOURCES ... [LINKS folder...] [LIBRARIES target...])
# One object library per folder of src/; its links are the row of src/README.md.
function(visavis_folder NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;LIBRARIES" ${ARGN})
  add_library(visavis_${NAME} STATIC ${ARG_SOURCES})
  target_link_libraries(visavis_${NAME} PUBLIC visavis_options)
  foreach(link ${ARG_LINKS})
    target_link_libraries(visavis_${NAME} PUBLIC visavis_${link})
  endforeach()
  target_link_libraries(visavis_${NAME} PUBLIC ${ARG_LIBRARIES})
  set_property(GLOBAL APPEND PROPERTY VISAVIS_FOLDERS visavis_${NAME})
endfunction()

# What sanitized builds compile: tests of one folder and fuzz targets; and, for every change, those of the rooms that
# read untrusted bytes and need neither the engine nor what stands on it.
add_custom_target(unit_tests)
add_custom_target(door_tests)
set(VISAVIS_DOOR_ROOMS base json tensor image decode model zoo contract)

# visavis_door_test(NAME room...): NAME joins door_tests, and gets the label "door", if it links such rooms only.
function(visavis_door_test NAME)
  set(others ${ARGN})
  list(REMOVE_ITEM others ${VISAVIS_DOOR_ROOMS})
  if(NOT others)
    add_dependencies(door_tests ${NAME})
    set_property(TEST ${NAME} APPEND PROPERTY LABELS door)
  endif()
endfunction()

# visavis_test(NAME SOURCES ... LINKS folder... [LABELS label...] [TIMEOUT seconds])
# A GoogleTest program run as one ctest entry named NAME. Exit code 77 means everything in it was skipped.
function(visavis_test NAME)
  if(NOT VISAVIS_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINKS;LABELS;LIBRARIES" ${ARGN})
  add_executable(${NAME} ${ARG_SOURCES})
  target_include_directories(${NAME} PRIVATE ${CMAKE_SOURCE_DIR})
  foreach(link ${ARG_LINKS})
    target_link_libraries(${NAME} PRIVATE visavis_${link})
  endforeach()
  target_link_libraries(${NAME} PRIVATE visavis_options GTest::gtest GTest::gmock ${ARG_LIBRARIES}
                        visavis_test_main)
  add_test(NAME ${NAME} COMMAND ${NAME})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if("unit" IN_LIST ARG_LABELS)
    add_dependencies(unit_tests ${NAME})
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set_tests_properties(${NAME} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
    SKIP_RETURN_CODE 77 ENVIRONMENT "VISAVIS_SHARED=${VISAVIS_SHARED}")
  if("unit" IN_LIST ARG_LABELS)
    visavis_door_test(${NAME} ${ARG_LINKS})
  endif()
endfunction()

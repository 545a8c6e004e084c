# Writes the ctest entries of one Catch2 executable: one for each TEST_CASE, called "FLOOR: name". Run after each link.
#   [slow]   label slow and the longer time limit        [serial] nothing else runs beside it
# A test that cannot run here prints "SKIPPED: reason" at the start of a line and returns.
# In: EXECUTABLE, FLOOR, OUTPUT, TIMEOUT, SLOW_TIMEOUT, DIRECTORY.
cmake_minimum_required(VERSION 3.25)

function(casesWith spec result)
  # The exit code of a listing is the number of names; only a signal or a missing file is an error.
  execute_process(COMMAND ${EXECUTABLE} ${spec} --list-test-names-only
    OUTPUT_VARIABLE names RESULT_VARIABLE code WORKING_DIRECTORY ${DIRECTORY})
  if(NOT code MATCHES "^[0-9]+$")
    message(FATAL_ERROR "${EXECUTABLE} cannot list its tests (${code}):\n${names}")
  endif()
  string(REGEX REPLACE "\n$" "" names "${names}")
  string(REPLACE "\n" ";" names "${names}")
  set(${result} "${names}" PARENT_SCOPE)
endfunction()

casesWith("*" all)
casesWith("[slow]" slow)
casesWith("[serial]" serial)
if(NOT all)
  message(FATAL_ERROR "${EXECUTABLE} contains no test.")
endif()
set(script "")
foreach(case IN LISTS all)
  if(case MATCHES "[];[\"\\]")
    message(FATAL_ERROR "The test name '${case}' contains a character that ctest or Catch2 reads as something else.")
  endif()
  # Catch2 reads a comma as "or".
  string(REPLACE "," "\\," filter "${case}")
  set(properties "SKIP_REGULAR_EXPRESSION [==[(^|\n)SKIPPED: ]==] LABELS")
  if(case IN_LIST slow)
    string(APPEND properties " [==[${FLOOR};slow]==] TIMEOUT ${SLOW_TIMEOUT}")
  else()
    string(APPEND properties " ${FLOOR} TIMEOUT ${TIMEOUT}")
  endif()
  if(case IN_LIST serial)
    string(APPEND properties " RUN_SERIAL TRUE")
  endif()
  string(APPEND script
    "add_test([==[${FLOOR}: ${case}]==] [==[${EXECUTABLE}]==] [==[${filter}]==])\n"
    "set_tests_properties([==[${FLOOR}: ${case}]==] PROPERTIES WORKING_DIRECTORY [==[${DIRECTORY}]==] ${properties})\n")
endforeach()
file(WRITE ${OUTPUT} "${script}")

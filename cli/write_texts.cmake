# COMMAND's man pages and completion scripts, written below OUTPUT as they are installed.
function(run)
  execute_process(COMMAND ${COMMAND} ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${OUTPUT})
run(man ${OUTPUT}/man1 OUTPUT_QUIET)
foreach(place bash:bash-completion/completions/callsheet zsh:zsh/site-functions/_callsheet
    fish:fish/vendor_completions.d/callsheet.fish)
  string(REGEX MATCH "^([a-z]+):(.*/)([^/]+)$" _ ${place})
  file(MAKE_DIRECTORY ${OUTPUT}/share/${CMAKE_MATCH_2})
  run(completion ${CMAKE_MATCH_1} OUTPUT_FILE ${OUTPUT}/share/${CMAKE_MATCH_2}${CMAKE_MATCH_3})
endforeach()

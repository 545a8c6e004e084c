# When schedules fire.
load helper

@test "schedule next prints when a timing fires, in each of its forms, without a store" {
  at=(--from 2026-11-30T10:00:00Z)
  run callsheet schedule next '0 9 * * mon-fri' -n 2 "${at[@]}"
  [[ $output == $'2026-12-01T09:00:00.000Z\n2026-12-02T09:00:00.000Z' ]]
  run callsheet schedule next 'Sun *-12-* 09:00 Europe/Madrid' -n 1 "${at[@]}"
  [[ $output == 2026-12-06T08:00:00.000Z ]]
  run callsheet schedule next '{"time":["09:00"],"weekday":[7],"month":[12]}' -n 1 "${at[@]}"
  [[ $output == 2026-12-06T09:00:00.000Z ]]
  run callsheet schedule next 'every 4m' --within 10m "${at[@]}"
  [[ $output == $'2026-11-30T10:04:00.000Z\n2026-11-30T10:08:00.000Z' ]]
  [[ $(callsheet schedule next @daily -n 1 --json "${at[@]}" | jq -c '[.v, .next]') == '[1,["2026-12-01T00:00:00.000Z"]]' ]]
  [[ $(callsheet schedule next '* * * * *' | wc -l) == 10 ]]
  [[ ! -e $CALLSHEET_LOCATION/default.callsheet ]]
}

@test "what never fires is said, and what is no timing is refused in one sentence" {
  endsWith 0 callsheet schedule next '*-02-30 09:00'
  [[ -z $output && $stderr == *"it never fires"* ]]
  endsWith 2 callsheet schedule next
  saysOneSentence "callsheet schedule next SPEC"
  endsWith 4 callsheet schedule next '61 * * * *'
  saysOneSentence "minute '61'"
  endsWith 4 callsheet schedule next '* * * * * Mars/Olympus'
  saysOneSentence "Mars/Olympus"
  endsWith 4 callsheet schedule next '{"weekday":["Sun"]}'
  saysOneSentence "weekday"
}

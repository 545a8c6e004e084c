# The bench, as far as that it runs: its figures are for docs/performance.md.
load helper

@test "a quick bench loses no job, does none twice and prints JSON" {
  endsWith 0 callsheet bench --quick --dir /var/tmp --json
  [[ $(jq -r '.v, (.rows | length > 5), .settings.quick' <<<"$output" | xargs) == "1 true true" ]]
  # Every group that --only names has measured something.
  [[ $(jq -r '[.rows[].group] | unique | join(" ")' <<<"$output") == "batch disk idle many pickup single steps takeover" ]]
  [[ -z $(ls "$CALLSHEET_LOCATION") ]]
}

@test "a quick bench of the API loses no task, does none twice and prints JSON" {
  endsWith 0 callsheet bench --api --quick --seconds 0.05 --idle 0.5 --dir /var/tmp --json
  [[ $(jq -r '.v, .settings.api, .settings.quick' <<<"$output" | xargs) == "1 true true" ]]
  # Other job servers are measured where they are installed; else a note says that they are not.
  [[ $(jq -r '[.rows[].group] | unique - ["peers"] | join(" ")' <<<"$output") == "executors longpoll rpc waiting" ]]
  [[ $(jq -r '[(.rows[], .notes[]) | select(.group == "peers")] | length > 1' <<<"$output") == true ]]
  [[ -z $(ls "$CALLSHEET_LOCATION") ]]
}

@test "a quick bench of commands runs each once and prints JSON" {
  endsWith 0 callsheet bench --commands --quick --seconds 0.2 --dir /var/tmp --json
  [[ $(jq -r '.v, .settings.commands, .settings.quick' <<<"$output" | xargs) == "1 true true" ]]
  [[ $(jq -r '[.rows[].group] | unique | join(" ")' <<<"$output") == "output schedules start" ]]
  # Lines are with who follows them within 200 ms, and what is printed takes no memory, also on a busy machine.
  [[ $(jq -c '[.rows[] | select(.group == "output" and .aim) | .aim.reached]' <<<"$output") == '[true,true]' ]]
  # And the page in docs is made of that.
  page=$("$BATS_TEST_DIRNAME/../../tools/performance_page" <(cat <<<"$output"))
  [[ $page == *"## Commands"*"## What commands print"*"## Schedules"* ]]
  [[ -z $(ls "$CALLSHEET_LOCATION") ]]
}

@test "--only knows the groups of the API with --api, and only then" {
  endsWith 2 callsheet bench --only rpc --dir /var/tmp
  saysOneSentence "no group 'rpc'"
  endsWith 2 callsheet bench --api --only disk --dir /var/tmp
  saysOneSentence "there are: rpc peers longpoll waiting executors"
}

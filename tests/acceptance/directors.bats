# Principal and assistants: who may be there, what happens when they stop, die and come back.
load helper

@test "a second principal is refused and told who is there" {
  startPrincipal
  endsWith 75 timeout 20 callsheet principal
  saysOneSentence "$daemon"
  # The first one goes on.
  endsWith 0 callsheet wait "$(callsheet add -- true)" --timeout 20
}

@test "a second living assistant of one name is refused" {
  startAssistant twin
  endsWith 75 timeout 20 callsheet assistant twin
  saysOneSentence twin
  startAssistant other
}

@test "directors lists who is alive with process and jobs" {
  startPrincipal
  principal=$daemon
  startAssistant thumbs
  callsheet add --to thumbs -- "${endless[@]}"
  callsheet add --to thumbs --delay 1h -- true
  eventually bash -c '[[ $(callsheet directors --json | jq -c ".directors[] | select(.name == \"thumbs\") | [.running, .waiting]") == "[1,1]" ]]'
  json=$(callsheet directors --json)
  [[ $(jq -r '.principalPid' <<<"$json") == "$principal" ]]
  [[ $(jq -r '.directors[] | select(.name == "thumbs") | .pid' <<<"$json") == "$daemon" ]]
  endsWith 0 callsheet directors
  [[ $output == *principal*alive*"$principal"* && $output == *thumbs*alive*"$daemon"* ]]
}

@test "the jobs of an assistant that is killed go on in the principal" {
  startPrincipal
  startAssistant worker --workers 2
  running=$(callsheet add --to worker -- "${going[@]}")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  blocker=$(callsheet add --to worker -- "${endless[@]}")
  eventually hasState "$blocker" in-progress
  waiting=$(callsheet add --to worker -- true)
  kill -KILL "$daemon"
  eventually fieldIs "$waiting" .owner principal
  letGo
  endsWith 0 callsheet wait "$running" --timeout 20
  callsheet cancel "$blocker"
  endsWith 0 callsheet wait "$waiting" --timeout 20
  [[ $(field "$running" '.owner, .started' | xargs) == "principal 1" ]]
}

@test "an assistant goes on with no principal running" {
  startPrincipal
  principal=$daemon
  startAssistant worker
  kill -KILL "$principal"
  eventually hasEnded "$principal"
  endsWith 0 callsheet wait "$(callsheet add --to worker -- true)" --timeout 20
}

@test "a principal that starts adopts what an assistant left that died before" {
  startAssistant worker --workers 1
  running=$(callsheet add --to worker -- "${going[@]}")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  ready=$(callsheet add --to worker -- true)
  kill -KILL "$daemon"
  eventually hasEnded "$daemon"
  endsWith 0 callsheet directors
  [[ $output == *worker*dead* ]]
  startPrincipal
  letGo
  endsWith 0 callsheet wait "$running" "$ready" --timeout 20
}

@test "a principal that was killed finds its jobs again" {
  startPrincipal
  id=$(callsheet add -- "${going[@]}")
  later=$(callsheet add --delay 1h -- true)
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  kill -KILL "$daemon"
  eventually hasEnded "$daemon"
  startPrincipal
  letGo
  endsWith 0 callsheet wait "$id" --timeout 20
  hasState "$later" waiting
}

@test "the name of a dead assistant can be used again, and its jobs are not the new one's" {
  startAssistant worker --workers 1
  callsheet add --to worker -- "${endless[@]}"
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  left=$(callsheet add --to worker -- true)
  kill -KILL "$daemon"
  eventually hasEnded "$daemon"
  startAssistant worker
  endsWith 0 callsheet wait "$(callsheet add --to worker -- true)" --timeout 20
  hasState "$left" ready
  startPrincipal
  endsWith 0 callsheet wait "$left" --timeout 20
}

@test "TERM lets an assistant drain and gives its jobs to the principal" {
  startPrincipal
  startAssistant worker --workers 1 --grace 5s
  running=$(callsheet add --to worker -- "${going[@]}")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  waiting=$(callsheet add --to worker --delay 1h -- true)
  kill -TERM "$daemon"
  wait "$daemon"
  eventually daemonSaid "$daemon" stopped
  eventually fieldIs "$running" .owner principal
  letGo
  endsWith 0 callsheet wait "$running" --timeout 20
  eventually fieldIs "$waiting" .owner principal
  hasState "$waiting" waiting
  [[ $(field "$running" .failures) == 0 ]]
}

@test "TERM lets the principal stop and keeps its jobs for the next start" {
  startPrincipal --workers 1
  running=$(callsheet add -- "${going[@]}")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  ready=$(callsheet add -- true)
  kill -INT "$daemon"
  wait "$daemon"
  hasState "$running" in-progress
  hasState "$ready" ready
  startPrincipal --workers 1
  hasState "$ready" ready
  letGo
  endsWith 0 callsheet wait "$running" "$ready" --timeout 20
  [[ $(field "$running" .attempt) == 1 ]]
}

@test "a second TERM exits at once" {
  startPrincipal --writer-limit 10m
  principal=$daemon
  # Whoever holds the write lock keeps it from saying that it stops.
  stoppedAt commit.locked add -- true
  kill -TERM "$principal"
  eventually daemonSaid "$principal" "a second signal exits at once"
  isRunning "$principal"
  kill -TERM "$principal"
  status=0
  wait "$principal" || status=$?
  [[ $status == 143 ]]
}

@test "HUP is logged and passed over" {
  startPrincipal
  kill -HUP "$daemon"
  eventually daemonSaid "$daemon" HUP
  isRunning "$daemon"
  endsWith 0 callsheet wait "$(callsheet add -- true)" --timeout 20
}

@test "an assistant that stood still for longer than the lease is fenced, and its jobs go on" {
  startPrincipal --lease 5s
  startAssistant worker --workers 1
  id=$(callsheet add --to worker -- "${going[@]}")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  kill -STOP "$daemon"
  eventually fieldIs "$id" .owner principal
  kill -CONT "$daemon"
  letGo
  endsWith 0 callsheet wait "$id" --timeout 20
  # It opens a new life under its name and works on.
  eventually directorIsListed worker
  endsWith 0 callsheet wait "$(callsheet add --to worker -- true)" --timeout 20
}

@test "an assistant whose name was taken while it stood still ends with 76" {
  startPrincipal --lease 5s
  startAssistant worker --workers 1
  hung=$daemon
  id=$(callsheet add --to worker -- "${going[@]}")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  kill -STOP "$hung"
  eventually fieldIs "$id" .owner principal
  startAssistant worker
  kill -CONT "$hung"
  status=0
  wait "$hung" || status=$?
  [[ $status == 76 ]]
  daemonSaid "$hung" "fenced for good"
  # The new one is not disturbed.
  endsWith 0 callsheet wait "$(callsheet add --to worker -- true)" --timeout 20
}

@test "a job that kills its process again and again ends in quarantine and stops nobody else" {
  poison=$(callsheet add --kind killer)
  other=$(callsheet add --kind count)
  quarantineKiller "$poison"
  [[ $(callsheet list --quarantined --json | jq -r '.jobs[].id') == "$poison" ]]
  [[ $(field "$poison" .holderDeaths) == 5 ]]
  endsWith 125 callsheet wait "$poison" --timeout 5
  endsWith 0 callsheet wait "$other" --timeout 20
  # It needs a person, who can end it.
  endsWith 0 callsheet cancel "$poison"
}

@test "retention by count keeps a done job for at least an hour" {
  startPrincipal --keep-count 1
  one=$(callsheet add -- true)
  two=$(callsheet add -- true)
  callsheet wait "$one" "$two" --timeout 20
  # A row is kept for an hour at least, so that a repeated submit is recognised.
  endsWith 0 callsheet show "$one"
}

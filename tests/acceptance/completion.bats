# Completion in the real shells, and the man pages: both are made from the command's own definition.
load helper

setup() {
  callsheetSetup
  prefix=$(dirname "$(dirname "$(command -v callsheet)")")
  shells=(bash zsh fish)
  declare -gA scripts=(
    [bash]=$prefix/share/bash-completion/completions/callsheet
    [zsh]=$prefix/share/zsh/site-functions/_callsheet
    [fish]=$prefix/share/fish/vendor_completions.d/callsheet.fish
  )
  pages=$prefix/share/man/man1
}

# commands, options [COMMAND]: what the help shows.
commands() { callsheet --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'; }
options() { callsheet "$@" --help | grep -oE '^  (-[a-zA-Z],)?--?[a-zA-Z][a-z-]*' | tr -d ' ' | tr , '\n'; }
commonOptions() { options | grep -vxE -e '-h|--help|--version'; }

# offered SHELL LINE: what a TAB behind the line offers, sorted.
offered() {
  if [[ $1 == fish ]]; then
    # shellcheck disable=SC2016
    inFish 'complete -C $argv[1]' "$2" | cut -f 1
  else
    "$BATS_TEST_DIRNAME/press_tab" "$1" "$prefix" "$2"
  fi | sort -u
}
inFish() { HOME=$BATS_TEST_TMPDIR XDG_CONFIG_HOME=$BATS_TEST_TMPDIR XDG_DATA_DIRS=$prefix/share fish -c "$@"; }

# offersExactly LINE WORD...: in each shell.
offersExactly() {
  local line=$1 shell expected got
  expected=$(printf '%s\n' "${@:2}" | sort)
  for shell in "${shells[@]}"; do
    got=$(offered "$shell" "$line")
    if [[ $got != "$expected" ]]; then
      echo "$shell offers behind '$line': $got; and not: $expected" >&2
      return 1
    fi
  done
}

pageText() { mandoc -T ascii -O width=1000 "$1" | sed 's/.\x08//g'; }
shortIDs() { callsheet list --json | jq -r '.jobs[].shortId'; }

@test "each shell offers the commands, and none that is hidden" {
  mapfile -t words < <(commands)
  [[ " ${words[*]} " == *" add list show "* && " ${words[*]} " != *role* && " ${words[*]} " != *complete-words* ]]
  offersExactly "callsheet " "${words[@]}"
  offersExactly "callsheet di" directors discard
}

@test "each shell offers a command's options and those of all commands" {
  mapfile -t words < <(options add | grep -e '^--'; commonOptions)
  [[ " ${words[*]} " == *" --key-window "* && " ${words[*]} " == *" --location "* ]]
  offersExactly "callsheet add --" "${words[@]}"
  offersExactly "callsheet principal --ma" --map-size
}

@test "each shell offers the values that an option can have" {
  offersExactly "callsheet principal --log-level " debug info warning error
  offersExactly "callsheet --id other principal --log-level w" warning
  offersExactly "callsheet list --state fa" failed
  offersExactly "callsheet completion " bash zsh fish
}

@test "each shell offers values behind = too" {
  [[ $(offered bash "callsheet principal --log-level=d") == debug ]]
  [[ $(offered zsh "callsheet principal --log-level=d") == debug ]]
  [[ $(offered fish "callsheet principal --log-level=d") == --log-level=debug ]]
}

@test "each shell offers the jobs by their short ids" {
  callsheet add -- true
  callsheet add --kind resize
  mapfile -t ids < <(shortIDs)
  [[ ${#ids[@]} == 2 && ${ids[0]} != "${ids[1]}" ]]
  offersExactly "callsheet show " "${ids[@]}"
  offersExactly "callsheet cancel ${ids[1]} " "${ids[@]}"
  # Only one job can be shown; zsh offers options then.
  for shell in "${shells[@]}"; do [[ $(offered "$shell" "callsheet show ${ids[1]} ") != *"${ids[0]}"* ]]; done
  id=$(callsheet list --json | jq -r '.jobs[1].id')
  offersExactly "callsheet wait ${id:0:30}" "$id"
}

@test "zsh and fish say what each job is" {
  callsheet add --kind resize
  id=$(shortIDs)
  callsheet add -- true
  [[ $(inFish 'complete -C "callsheet show "') == *"$id"$'\t'"resize ready"* ]]
  [[ $("$BATS_TEST_DIRNAME/press_tab" zsh "$prefix" "callsheet show " --enter) == *"$id  -- resize ready"* ]]
}

@test "each shell offers the living directors, the queues and the kinds" {
  startAssistant worker
  callsheet add --queue night --kind resize
  offersExactly "callsheet add --to " principal worker
  offersExactly "callsheet list --owner " principal worker
  offersExactly "callsheet list --queue " default night
  offersExactly "callsheet definitions r" resize
}

@test "the store that the line names is asked" {
  mkdir "$BATS_TEST_TMPDIR/an other"
  callsheet --location "$BATS_TEST_TMPDIR/an other" --id second add -- true
  id=$(callsheet --location "$BATS_TEST_TMPDIR/an other" --id second list --json | jq -r '.jobs[].shortId')
  offersExactly "callsheet --id=second --location '$BATS_TEST_TMPDIR/an other' show " "$id"
  offersExactly "callsheet show --location $BATS_TEST_TMPDIR/an\\ other --id second " "$id"
}

@test "what the shell would expand is not run for a TAB" {
  callsheet add -- true
  for shell in "${shells[@]}"; do
    offered "$shell" "callsheet --location \$(touch $BATS_TEST_TMPDIR/ran) show "
    offered "$shell" "callsheet --location \`touch $BATS_TEST_TMPDIR/ran\` show "
    refute test -e "$BATS_TEST_TMPDIR/ran"
  done
}

@test "each shell offers files and directories where an option takes one" {
  mkdir -p "$BATS_TEST_TMPDIR/places/one-dir" "$BATS_TEST_TMPDIR/stores"
  touch "$BATS_TEST_TMPDIR/places/one-file"
  places=$BATS_TEST_TMPDIR/places
  [[ $(offered fish "callsheet define $places/") == "$places/one-dir/"$'\n'"$places/one-file" ]]
  [[ $(offered fish "callsheet backup $places/") == "$places/one-dir/" ]]
  [[ $(offered zsh "callsheet define $places/") == $'one-dir\none-file' ]]
  [[ $(offered zsh "callsheet backup $places/") == one-dir ]]
  # bash leaves that to readline, which completes what is the only one.
  callsheet add -- true
  [[ $("$BATS_TEST_DIRNAME/press_tab" bash "$prefix" "callsheet stats --location ${CALLSHEET_LOCATION%s}" --enter) == *submitted* ]]
  [[ $("$BATS_TEST_DIRNAME/press_tab" bash "$prefix" "callsheet define $places/one-f" --enter) == *"$places/one-file cannot be read"* ]]
}

@test "behind -- each shell completes the user's own command" {
  for shell in "${shells[@]}"; do
    offered "$shell" "callsheet add --retries 3 -- callshee" | grep -qx callsheet
    [[ $(offered "$shell" "callsheet add -- callsheet principal --log-") != *--help* ]]
  done
  [[ $(offered fish "callsheet add -- callsheet principal --log-") == --log-level ]]
  [[ $(offered zsh "callsheet add -- callsheet principal --log-") == --log-level ]]
}

@test "texts of the store are words on the line and nothing else" {
  # shellcheck disable=SC2016
  texts=('te=$(touch ran)`touch ran`' "ta=a'b \"c\" \\d; touch ran" 'to=*' $'tu=\ttab' $'ty=\nline' $'ti=\e]0;x\a')
  cd "$BATS_TEST_TMPDIR"
  for text in "${texts[@]}"; do callsheet add --kind resize --label "$text" --params '"$(touch ran)"'; done
  for shell in bash zsh; do
    for text in "${texts[@]:0:3}"; do
      id=$(callsheet list --json --label "$text" | jq -r '.jobs[].id')
      # The TAB writes the rest of the label, the shell reads it, and the command finds the job by it.
      shown=$("$BATS_TEST_DIRNAME/press_tab" "$shell" "$prefix" "callsheet list --json --label ${text:0:3}" --enter)
      [[ $shown == *"$id"* && $(grep -c '"shortId"' <<<"$shown") == 1 ]]
    done
  done
  # What would steer the terminal is not offered at all.
  offersExactly "callsheet list --label tu"
  offersExactly "callsheet list --label ti"
  inFish 'complete -C "callsheet list --label t"' | cut -f 1 >offered
  [[ $(wc -l <offered) == 3 ]]
  for shell in "${shells[@]}"; do offered "$shell" "callsheet show "; done
  refute test -e ran
}

@test "without a store that can be read nothing is offered, and none is made" {
  endsWith 0 callsheet complete-words ID
  [[ -z $output && -z $stderr ]]
  endsWith 0 callsheet --location "$BATS_TEST_TMPDIR/nowhere" complete-words DIRECTOR
  [[ -z $output && -z $stderr ]]
  refute test -e "$BATS_TEST_TMPDIR/nowhere"
  [[ -z $(ls -A "$CALLSHEET_LOCATION") ]]
  endsWith 0 callsheet complete-words NOTHING
  [[ -z $output && -z $stderr ]]
  offersExactly "callsheet show "
  callsheet add -- true
  storeIsDamaged=1
  for size in 4096 100 0; do
    truncate -s "$size" "$CALLSHEET_LOCATION"/default.callsheet/data.mdb
    endsWith 0 callsheet complete-words ID
    [[ -z $output && -z $stderr ]]
  done
}

@test "a TAB does not wait for who is stopped as it opens the store" {
  callsheet add -- true
  stoppedAt env.opened list
  endsWith 0 timeout 30 callsheet complete-words ID
  [[ -z $stderr ]]
}

# ofCommand PLACE COMMAND: the options that a shell's script, or the man page, has for it; for '' the root's own.
ofCommand() {
  local none="''" page=$pages/callsheet${2:+-$2}.1
  case $1 in
    bash) sed -n "s/^    ${2:-$none}) names='\(.*\)' ;;$/\1/p" "${scripts[bash]}" | tr ' ' '\n' ;;
    zsh) if [[ $2 ]]; then sed -n "/^    ($2)$/,/;;$/p" "${scripts[zsh]}"; else sed -n '/^  common=/,/_callsheet_commands/p' "${scripts[zsh]}"; fi |
      sed -n "s/^ *'\(\*\|([^)]*)\)\(-[^=+[]*\)[=+[].*/\2/p" ;;
    fish) grep -E "__callsheet_(open|at ${2:-$none}\") " "${scripts[fish]}" | grep -oE ' -[sl] [^ ]+' |
      sed 's/^ -s /-/; s/^ -l /--/' ;;
    man) pageText "$page" | sed -n '/^OPTIONS/,/^[^ O]/p' | grep -oE '^ +(-., )?--?[a-z][a-z-]*' | tr -d ' ' | tr , '\n' ;;
  esac
}

@test "every command and option is in its man page and in each script" {
  for command in "" $(commands); do
    # shellcheck disable=SC2086
    options $command | sort >"$BATS_TEST_TMPDIR/options"
    grep -qx -e --help "$BATS_TEST_TMPDIR/options"
    for place in "${shells[@]}" man; do
      missing=$(ofCommand "$place" "$command" | sort | comm -23 "$BATS_TEST_TMPDIR/options" -)
      [[ -z $missing ]] || { echo "$place lacks of $command: $missing" >&2; return 1; }
    done
  done
  [[ $(find "$pages" -name 'callsheet*.1' | wc -l) == $(($(commands | wc -l) + 1)) ]]
  refute grep -rqE 'bench-role|--here' "$pages" "${scripts[@]}"
}

@test "the man pages are clean, and callsheet man writes what is installed" {
  callsheet man "$BATS_TEST_TMPDIR/pages"
  diff -r "$BATS_TEST_TMPDIR/pages" "$pages"
  endsWith 74 callsheet man "$BATS_TEST_TMPDIR/pages/callsheet.1/below"
  saysOneSentence "name another directory"
  for page in "$pages"/*.1; do
    [[ -z $(groff -man -ww -z -rLL=72n "$page" 2>&1) ]]
    # The pages have no date, so that the same sources give the same page.
    [[ -z $(mandoc -T lint -W warning "$page" | grep -v 'missing date') ]]
  done
}

@test "the scripts are those that callsheet completion prints, and each shell can read its own" {
  for shell in "${shells[@]}"; do
    diff <(callsheet completion "$shell") "${scripts[$shell]}"
    "$shell" -n "${scripts[$shell]}"
  done
  endsWith 2 callsheet completion tcsh
}

@test "callsheet(1) has the exit codes as docs/errors.md has them" {
  text=$(pageText "$pages/callsheet.1" | tr -s ' \n' ' ')
  rows=0
  while IFS='|' read -r _ code _ meaning next _; do
    read -r row <<<"${code/+/+ } ${meaning//\`/}"
    read -r next <<<"$next"
    [[ $text == *" $(tr -s ' ' <<<"$row")"*"${next//\`/}."* ]] || { echo "callsheet(1) lacks: $row" >&2; return 1; }
    rows=$((rows + 1))
  done < <(sed -n '/^## Exit codes/,/^A daemon/p' "$BATS_TEST_DIRNAME/../../docs/errors.md" | grep '^| [0-9]')
  [[ $rows == "$(pageText "$pages/callsheet.1" | sed -n '/^EXIT/,/^SEE/p' | grep -cE '^ +[0-9]+ ')" ]]
}

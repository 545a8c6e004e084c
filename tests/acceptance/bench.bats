# The bench, as far as that it runs: its figures are for docs/performance.md.
load helper

@test "a quick bench loses no job, does none twice and prints JSON" {
  endsWith 0 callsheet bench --quick --dir /var/tmp --json
  [[ $(jq -r '.v, (.rows | length > 5), .settings.quick' <<<"$output" | xargs) == "1 true true" ]]
  # Every group that --only names has measured something.
  [[ $(jq -r '[.rows[].group] | unique | join(" ")' <<<"$output") == "batch disk idle many pickup single steps takeover" ]]
  [[ -z $(ls "$CALLSHEET_LOCATION") ]]
}

#!/usr/bin/env bash
# Prints how many instructions `parse` and `emit` of an advertisement take. Needs valgrind.

set -eu
cd "$(dirname "$0")/../.."
program=$(cargo bench --quiet -p svrrp --bench instructions --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*instructions-[^"]*\)".*/\1/p')
turns=10000

# In all, of a run with so many turns.
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : *\([0-9]*\).*/\1/p'
}

for what in parse emit; do
    echo "$what: $((($(count $what $turns) - $(count $what 0)) / turns)) instructions"
done

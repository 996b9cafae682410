#!/usr/bin/env bash
# How fast `longhaul` moves one object to and from each store, in 8 parts at once and one after the other: MiB/s of wall time, and CPU seconds of
# the client per GiB. Medians of rounds in which parallel and serial take turns. Prints a Markdown table.
#
#   o8.sh [STORE...]         azurite oss moto, and garage and s3s where they are named; the first three without arguments
#
#   LONGHAUL        the binary            (default: built by cargo, release)
#   O8_ROUNDS       rounds                (5)
#   O8_MIB          size of the object    (256)
#   O8_PORT         the first port        (18391)
#   DELAY           milliseconds to the store and as many back (none): see far.py
#
# Stores on this machine share its cores with the client, and their answers take no time: without a delay a store that can use but one
# core gains nothing by parallel requests. Numbers depend on the machine and on what else it does; nothing fails because of one.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/oracles/with_store.sh
. "$here/with_store.sh"
rounds=${O8_ROUNDS:-5} mib=${O8_MIB:-256} port=${O8_PORT:-18391}

head -c $((mib << 20)) /dev/urandom >"$work/source"

# Wall and CPU seconds of a command.
measured() {
    local TIMEFORMAT='%R %U %S'
    { time "$@" >"$work/said" 2>&1 8>&- 9>&-; } 2>&1
}

printf '| store | direction | 8 parts, MiB/s | serial, MiB/s | factor | 8 parts, CPU s/GiB | serial, CPU s/GiB |\n|---|---|---|---|---|---|---|\n'
[ $# != 0 ] || set -- azurite oss moto
for store in "$@"; do
    port=$((port + 1))
    start_store "$store" "$port"
    for direction in up down; do
        for round in $(seq "$rounds"); do
            for parts in 8 1; do
                key=$scheme://tbucket/o8/$round-$parts
                case $direction in
                up) set_args=(put "$work/source" "$key") ;;
                down) set_args=(get "$key" -o "$work/target" --overwrite always) ;;
                esac
                measured "$LONGHAUL" "${set_args[@]}" --parts $parts --part-size $((mib / 8))MiB --state "$work/state" -q >>"$work/$store-$direction-$parts"
            done
        done
    done
    for direction in up down; do
        awk -v store="$store" -v direction="$direction" -v mib="$mib" '
            function median(list, n,   i, j, t) {
                for (i = 2; i <= n; i++) { t = list[i]; for (j = i - 1; j >= 1 && list[j] > t; j--) list[j + 1] = list[j]; list[j + 1] = t }
                return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
            }
            FNR == NR { a++; wall[a] = $1; cpu[a] = $2 + $3; next }
            { b++; swall[b] = $1; scpu[b] = $2 + $3 }
            END {
                w = median(wall, a); s = median(swall, b); gib = mib / 1024
                printf "| %s | %s | %.0f | %.0f | %.2f | %.2f | %.2f |\n", store, direction, mib / w, mib / s, s / w, median(cpu, a) / gib, median(scpu, b) / gib
            }' "$work/$store-$direction-8" "$work/$store-$direction-1"
    done
    stop_store
done

#!/usr/bin/env bash
# 200 MiB by `longhaul put` into each store, killed with SIGKILL at 20 random moments and taken up by `longhaul resume`: is the object what
# the file is, as the vendor's SDK reads it, is anything left behind, and how much went up again. Prints a table.
#
#   o3.sh [STORE...]         azurite oss moto, and garage and s3s where they are named; the first three without arguments
#
#   LONGHAUL        the binary            (default: built by cargo, release)
#   O3_KILLS        kills for each store  (20)
#   O3_MIB          size of the object    (200)
#   O3_PORT         the first port        (18291)
#
# Exit code 0 when every row holds. Takes some minutes.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
kills=${O3_KILLS:-20} mib=${O3_MIB:-200} port=${O3_PORT:-18291}
parts=4 part_mib=5

# shellcheck source=tests/oracles/with_store.sh
. "$here/with_store.sh"
pid=''
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null; finish' EXIT

head -c $((mib << 20)) /dev/urandom >"$work/source"
sum=$(sha256sum <"$work/source" | cut -d' ' -f1)

# The last number of a member in the progress lines.
member() { { grep -o "\"$1\":[0-9]*" "$2" 2>/dev/null || true; } | tail -n 1 | cut -d: -f2; }

failed=0
printf '%-8s %4s %13s %13s %13s %13s %s\n' store kill 'killed at' reused 'sent again' bound verdict
[ $# != 0 ] || set -- azurite oss moto
for store in "$@"; do
    port=$((port + 1))
    start_store "$store" "$port"
    for kill in $(seq "$kills"); do
        key=o3/$kill run=$work/$store-$kill
        half=$((RANDOM % mib << 20))
        "$LONGHAUL" put "$work/source" "$scheme://tbucket/$key" \
            --parts $parts --part-size ${part_mib}MiB --state "$run.state" --json >"$run.1" 2>"$run.1.err" 8>&- 9>&- &
        pid=$!
        while kill -0 "$pid" 2>/dev/null; do
            at=$(member acknowledged "$run.1")
            [ "${at:-0}" -lt $half ] || break
            sleep 0.01
        done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null && code=0 || code=$?
        pid=
        at=$(member acknowledged "$run.1")
        expected="\"sha256\": \"$sum\"" records=("$run.state"/*)
        # Killed before there was a record: nothing had begun, and nothing is there.
        [ "$code:${at:-0}" != 137:0 ] || [ -e "${records[0]}" ] || expected='ready {"is": null}'
        if [ $code = 137 ]; then
            "$LONGHAUL" resume --state "$run.state" --json >"$run.2" 2>"$run.2.err" 8>&- 9>&- && code=0 || code=$?
        fi
        # What was on its way, and a part for each connection.
        bound=$(((2 * parts * part_mib) << 20))
        sent=$(member transferred "$run.2") reused=$(member reused "$run.2")
        again=$((${sent:-0} + ${at:-0} - (mib << 20)))
        told=$(printf '{"do":"look","key":"%s"}\n{"do":"open","key":"%s"}\n' "$key" "$key" |
            "$here/stores.sh" sdk "$store" "http://127.0.0.1:$port" | tr '\n' ' ')
        verdict=holds
        # Of a commit that is broken off s3s-fs makes nothing, and answers 403 to whoever asks for the upload.
        [ "$store:$at:$code" != "s3s:$((mib << 20)):4" ] || expected='ready {"is": null}' code='lost by the store'
        case $told in
        *"$expected"*'{"is": 0} ') ;;
        *) verdict="FAILS: $told" failed=1 ;;
        esac
        if [ "$code" = 'lost by the store' ]; then
            verdict=${verdict/holds/$code}
        elif [ "$code" != 0 ] || [ "$again" -gt "$bound" ]; then
            verdict="FAILS: exit $code, $(tail -qn 1 "$run".*.err | tr '\n' ' ')" failed=1
        fi
        printf '%-8s %4s %13s %13s %13s %13s %s\n' "$store" "$kill" "${at:-0}" "${reused:-0}" "$again" "$bound" "$verdict"
    done
    stop_store
done
exit $failed

#!/usr/bin/env bash
# 1 GiB by `longhaul get` from nginx, killed with SIGKILL at about half and run again, through every location. Prints a table: whether
# the content is right, whether the target's name was there too early, and the bytes nginx sent in all against the bound.
#
#   a3.sh [LOCATION...]      all locations without arguments
#
#   LONGHAUL        the binary          (default: built by cargo, release)
#   A3_MIB          size of the object  (1024)
#
# Exit code 0 when every row holds. Takes some minutes: /slow and /conn2 are slow by intention.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
export LONGHAUL_NGINX_HTTP=${LONGHAUL_NGINX_HTTP:-18191} LONGHAUL_NGINX_TLS=${LONGHAUL_NGINX_TLS:-18192} LONGHAUL_NGINX_OTHER=${LONGHAUL_NGINX_OTHER:-18193}
mib=${A3_MIB:-1024}
parts=8 part_mib=8 interval_mib=64

if [ -z "${LONGHAUL:-}" ]; then
    (cd "$here/../.." && cargo build --release -p longhaul-cli >&2)
    LONGHAUL=$(cd "$here/../.." && cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/longhaul
fi
"$here/nginx.sh" install >&2
"$here/nginx.sh" start >&2
work=$(mktemp -d)
pid=
# shellcheck disable=SC2317 # called by the trap
finish() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    "$here/nginx.sh" stop >&2
    rm -rf "$work"
}
trap finish EXIT

url=$("$here/nginx.sh" url) log=$("$here/nginx.sh" log)
files=$("$here/nginx.sh" www)/files
name=a3-$mib.bin
if [ "$(stat -c %s "$files/$name" 2>/dev/null)" != $((mib << 20)) ]; then
    head -c $((mib << 20)) /dev/urandom >"$files/$name"
fi
sum=$(sha256sum <"$files/$name")

# The last number of a member in the progress lines.
member() { { grep -o "\"$1\":[0-9]*" "$2" 2>/dev/null || true; } | tail -n 1 | cut -d: -f2; }

# Starts one run; watches it until it ends, or until half of it is there if $3 says so.
early=no
run() { # URL TARGET half|end OUT
    local have half=$((mib << 19))
    # Nothing of a former run may be read.
    : >"$4"
    "$LONGHAUL" get "$1" -o "$2" --overwrite always --parts $parts --part-size ${part_mib}MiB --state "$work/state" --json >"$4" 2>"$4.err" &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        if [ -e "$2" ] && ! grep -q '"phase":"publishing"\|"event":"summary"' "$4"; then
            early=YES
        fi
        have=$(member acknowledged "$4")
        if [ "$3" = half ] && [ "${have:-0}" -ge "$half" ]; then
            kill -KILL "$pid"
            break
        fi
        sleep 0.02
    done
    wait "$pid" 2>/dev/null && code=0 || code=$?
    pid=
}

failed=0
printf '%-10s %-7s %-8s %-6s %13s %13s %13s %-7s\n' location killed content early 'killed at' reused 'sent by nginx' 'bound'
[ $# != 0 ] || set -- files slow conn2 rps noetag nodate gzip norange redir redirabs cd
for location in "$@"; do
    target=$work/$location.bin
    before=$(wc -l <"$log") early=no
    run "$url/$location/$name" "$target" half "$work/1.json"
    killed=no at=$(member acknowledged "$work/1.json")
    [ "$code" != 137 ] || killed=yes
    [ ! -e "$target" ] || [ "$killed" = no ] || early=YES
    run "$url/$location/$name" "$target" end "$work/2.json"
    content=WRONG
    [ "$code" != 0 ] || [ "$(sha256sum <"$target")" != "$sum" ] || content=right
    sleep 0.5
    sent=$(tail -n +$((before + 1)) "$log" | grep -F "/$name " | grep -o 'sent=[0-9]*' | cut -d= -f2 | awk '{ sum += $1 } END { printf "%.0f", sum }')
    # Without ranges, or without anything that pins a version, a broken download starts over: nothing else would be safe.
    case $location in
    norange | gzip | nodate) bound=$(((mib << 21) + (16 << 20))) ;;
    *) bound=$(((mib + parts * part_mib + interval_mib) * 1048576 + (1 << 20))) ;;
    esac
    verdict=holds
    if [ "$content" != right ] || [ "$early" != no ] || [ "$sent" -gt "$bound" ] || [ "$killed" != yes ]; then
        verdict=FAILS failed=1
    fi
    printf '%-10s %-7s %-8s %-6s %13s %13s %13s %-13s %s\n' "$location" $killed $content $early "${at:-0}" "$(member reused "$work/2.json")" "$sent" "$bound" $verdict
    [ "$code" = 0 ] || tail -n 2 "$work/2.json.err" >&2
    rm -f "$target"
done
if "$LONGHAUL" get "$url/files/empty.bin" -o "$work/empty" --state "$work/state" -q && [ -e "$work/empty" ] && [ ! -s "$work/empty" ]; then
    echo "empty file: right"
else
    echo "empty file: WRONG"
    failed=1
fi
exit $failed

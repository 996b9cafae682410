#!/usr/bin/env bash
# Which case has which tests for which store: the names of test functions begin with the ids of the cases they hold. Prints a Markdown table of
# counts; fails when a case that every store must pass has no test for one.
#
#   cases.sh           the table
#   cases.sh u8 oss    the tests behind one place of it
set -euo pipefail
cd "$(dirname "$0")/.."

cases=(o2 o3 o4 o7 u1 u2 u3 u4 u5 u6 u7 u8 u9 u10 u11 u12 r3 r5 r6 d13 k1 k2 k3 k4)
stores=(s3 oss azure)
# Azure calls no block a duplicate, and refuses no checksum: there is nothing to fall back from.
without=" u12/azure "

# Where a store's tests are. What is written once and run for each of them belongs to all.
places() {
    echo tests/interop/cases.rs tests/secrets.rs providers/store providers/sign providers/http
    case $1 in
    s3) echo tests/s3 providers/s3 tests/interop/s3.rs ;;
    oss) echo tests/oss providers/oss tests/interop/oss.rs ;;
    azure) echo tests/azblob providers/azblob tests/interop/azure.rs ;;
    esac
    # Each test of the command names the stores it runs for, or all.
    echo cli/tests/stores cli/src/shown.rs
}

# The tests of a case for a store, as file:name.
tests() {
    # shellcheck disable=SC2046 # words are meant
    grep -rHoE "fn ([a-z]+[0-9]+_)*$1_([a-z0-9]+_)*[a-z0-9]+" --include='*.rs' $(places "$2") | sed 's/fn //' |
        case $2 in
        s3) grep -vE ':.*_(oss|azures?)_' ;;
        oss) grep -vE ':.*_(s3|azures?)_' ;;
        azure) grep -vE ':.*_(s3|oss)_' ;;
        esac || true
}

if [ $# = 2 ]; then
    tests "$1" "$2"
    exit
fi
missing=()
printf '| case |'; printf ' %s |' "${stores[@]}"; printf '\n|---|'; printf '%s' "${stores[@]/*/---|}"; printf '\n'
for case in "${cases[@]}"; do
    printf '| %s |' "${case^^}"
    for store in "${stores[@]}"; do
        count=$(tests "$case" "$store" | wc -l)
        case $without in
        *" $case/$store "*) count=– ;;
        esac
        printf ' %s |' "$count"
        [ "$count" != 0 ] || missing+=("$case/$store")
    done
    printf '\n'
done
[ ${#missing[@]} = 0 ] || { echo "without a test: ${missing[*]}" >&2; exit 1; }

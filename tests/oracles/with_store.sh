# Sourced by scripts that drive the command against a store: the binary, a folder, credentials, and one server at a time.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if [ -z "${LONGHAUL:-}" ]; then
    (cd "$root" && cargo build --release -p longhaul-cli >&2)
    LONGHAUL=$(cd "$root" && cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/longhaul
fi

work=$(mktemp -d)
server='' distance=''
# Ends what runs, removes what was written.
finish() {
    stop_store
    rm -rf "$work"
}
trap finish EXIT

# Starts a store and says in the environment where it is; its names begin with $scheme://tbucket/. With DELAY set, all that goes there and
# comes back takes so many milliseconds.
start_store() {
    local store=$1 port=$2 endpoint=http://127.0.0.1:$2
    mkfifo "$work/$store.input"
    : >"$work/ready"
    "$root/tests/oracles/stores.sh" run "$store" "$port" <"$work/$store.input" >"$work/ready" &
    server=$!
    # A server ends with its input.
    exec 8>"$work/$store.input"
    until grep -q ready "$work/ready"; do kill -0 $server && sleep 0.1; done
    # The SDK makes the container where there is none.
    "$root/tests/oracles/stores.sh" sdk "$store" "$endpoint" </dev/null >/dev/null
    if [ -n "${DELAY:-}" ]; then
        mkfifo "$work/$store.distance"
        "$root/tests/oracles/far.py" "$port" "$DELAY" <"$work/$store.distance" >"$work/far" 8>&- &
        distance=$!
        exec 9>"$work/$store.distance"
        until [ -s "$work/far" ]; do kill -0 $distance && sleep 0.1; done
        endpoint=http://127.0.0.1:$(cat "$work/far")
    fi
    case $store in
    azurite)
        scheme=az
        export AZURE_STORAGE_ENDPOINT=$endpoint AZURE_STORAGE_ACCOUNT=devstoreaccount1 # Azurite's own, which everybody knows
        export AZURE_STORAGE_KEY=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==
        ;;
    oss)
        scheme=oss
        export OSS_ENDPOINT=$endpoint OSS_REGION=cn-hangzhou OSS_ACCESS_KEY_ID=TESTAK OSS_ACCESS_KEY_SECRET=TESTSK0123456789
        ;;
    garage)
        scheme=s3
        export AWS_ENDPOINT_URL=$endpoint AWS_REGION=garage AWS_ACCESS_KEY_ID=GK000000000000000000000001
        export AWS_SECRET_ACCESS_KEY=0000000000000000000000000000000000000000000000000000000000000abc
        ;;
    *)
        # shellcheck disable=SC2034 # used by who sources this
        scheme=s3
        export AWS_ENDPOINT_URL=$endpoint AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=TESTAK AWS_SECRET_ACCESS_KEY=TESTSK0123456789
        ;;
    esac
}

stop_store() {
    [ -n "$server" ] || return 0
    exec 8>&- 9>&-
    wait "$server" ${distance:+"$distance"} 2>/dev/null || true
    server='' distance=''
}

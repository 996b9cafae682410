#!/usr/bin/env bash
# Object stores as counterparts of longhaul's providers: loopback only, no root, no system service.
#
#   stores.sh install NAME      make it available (from npm, PyPI, crates.io); starts nothing
#   stores.sh run NAME PORT [OPTION...]   start it on 127.0.0.1:PORT, or with 0 on a port that nobody has, with nothing in it; say
#                               "ready PORT" when it answers, and end it, and all it holds, when standard input ends: with whoever
#                               started it; options are the server's own
#   stores.sh sdk NAME ENDPOINT ...   answer questions about what is in it, by its vendor's own SDK: see the head of sdk.py
#
#   NAME   azurite   Azure's own emulator of Blob Storage, strict
#          oss       oss/server.py: recomputes every signature with Aliyun's SDK, injects faults; bucket tbucket
#          moto      an S3 that checks no signature, but conditions and sizes of parts; bucket tbucket
#          garage    a real S3 store, built by cargo in some minutes; region garage, bucket tbucket
#          s3s       s3s-fs, an S3 over a folder, built by cargo in some minutes; checks signatures and clocks; bucket tbucket
#
#   LONGHAUL_ORACLES      where everything lives (default ${XDG_CACHE_HOME:-~/.cache}/longhaul-oracles)
#
# Exit codes: 1 failed, 2 usage.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
home=${LONGHAUL_ORACLES:-${XDG_CACHE_HOME:-$HOME/.cache}/longhaul-oracles}
python=$home/python
garage=$home/cargo/bin/garage
s3s=$home/cargo/bin/s3s-fs
azurite=$home/azurite/node_modules/azurite/dist/src/blob/main.js

# One folder for each server's packages: ours alone, so that nothing of the system changes. Several suites may come at once; they wait for
# one another only where they want the same.
install() {
    local packages=$1
    case $1 in
    azurite | garage | s3s) ;;
    oss | moto | sdk) packages=python ;;
    *) usage ;;
    esac
    mkdir -p "$home"
    (
        flock 9
        case $packages in
        azurite) from_npm ;;
        python) from_pypi ;;
        garage) from_crates "$garage" garage@2.5.0 ;;
        s3s) from_crates "$s3s" s3s-fs@0.14.1 --features binary ;;
        esac
    ) 9>"$home/$packages.lock"
}

from_npm() {
    [ ! -f "$azurite" ] || return 0
    command -v npm >/dev/null || need "nodejs and npm"
    npm install --silent --no-audit --no-fund --prefix "$home/azurite" azurite@3.35.0 >&2
}

# One virtual environment for all of Python, made anew if it was left unfinished.
from_pypi() {
    [ ! -f "$python/complete" ] || return 0
    python3 -m venv --clear "$python" >&2 || need "python3 and python3-venv"
    "$python/bin/pip" install --quiet --disable-pip-version-check \
        alibabacloud-oss-v2==1.4.1 azure-storage-blob==12.31.1 boto3==1.44.5 'moto[server]==5.2.5' >&2
    touch "$python/complete"
}

# Program $1, from package $2. Tests need no fast store: what takes the compiler long is left out.
from_crates() {
    local program=$1 target=$home/cargo/target-${1##*/}
    shift
    [ ! -x "$program" ] || return 0
    command -v cargo >/dev/null || need cargo
    CARGO_TARGET_DIR=$target CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 \
        cargo install --quiet --locked --root "$home/cargo" "$@" >&2
    rm -rf "$target"
}

# One node that keeps everything in folder $1 and answers S3 on port $2. Nothing is synced: it does not outlive its test.
garage_config() {
    local rpc
    rpc=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    cat <<END
metadata_dir = "$1/meta"
data_dir = "$1/data"
db_engine = "sqlite"
metadata_fsync = false
data_fsync = false
replication_factor = 1
compression_level = "none"
rpc_bind_addr = "127.0.0.1:$rpc"
rpc_public_addr = "127.0.0.1:$rpc"
rpc_secret = "0000000000000000000000000000000000000000000000000000000000000001"
allow_world_readable_secrets = true
[s3_api]
s3_region = "garage"
api_bind_addr = "127.0.0.1:$2"
END
}

need() {
    echo "stores.sh: $1 must be on this machine (Debian: apt-get install ${1/and /})" >&2
    exit 1
}

usage() {
    sed -n '2,19s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

run() {
    local name=$1 port=$2
    shift 2
    if [ "$port" != 0 ]; then
        serve "$name" "$port" "$@"
        return
    fi
    # Somebody else may take a port all the same; then another one is.
    for _ in 1 2 3; do
        take_port
        ! (serve "$name" "$port" "$@") || return 0
    done
    return 1
}

# Sets port to one that nobody has, and that no other of these scripts takes until this one ends. The kernel gives these to nobody.
take_port() {
    mkdir -p "$home/ports"
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 1000))
        exec 8>"$home/ports/$port"
        ! flock --nonblock 8 || is_taken "$port" || return 0
    done
    echo "stores.sh: no port from 20000 to 20999 is free" >&2
    exit 1
}

# Whether somebody listens there.
is_taken() { (exec 7<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

serve() {
    local name=$1 port=$2 data server pid=
    shift 2
    ! is_taken "$port" || { echo "stores.sh: port $port is taken" >&2; return 1; }
    data=$(mktemp -d) || return
    case $name in
    azurite) server=(node "$azurite" --blobHost 127.0.0.1 --blobPort "$port" --location "$data" --silent --disableTelemetry) ;;
    oss) server=("$python/bin/python" "$here/oss/server.py" --port "$port" --data "$data") ;;
    moto) server=("$python/bin/moto_server" -H 127.0.0.1 -p "$port") ;;
    garage)
        garage_config "$data" "$port" >"$data/garage.toml" || return
        server=("$garage" -c "$data/garage.toml" server --single-node --default-bucket)
        export GARAGE_DEFAULT_ACCESS_KEY=GK000000000000000000000001 GARAGE_DEFAULT_BUCKET=tbucket RUST_LOG=garage=warn
        export GARAGE_DEFAULT_SECRET_KEY=0000000000000000000000000000000000000000000000000000000000000abc
        ;;
    s3s)
        mkdir "$data/tbucket" && ln -sfn "$data" "$home/s3s-$port" || return
        server=("$s3s" --host 127.0.0.1 --port "$port" --access-key TESTAK --secret-key TESTSK0123456789 "$data")
        ;;
    esac
    "${server[@]}" "$@" >"$data.log" 2>&1 </dev/null &
    pid=$!
    # Here and now: the names are gone when the shell ends.
    # shellcheck disable=SC2064
    trap "kill $pid 2>/dev/null || :; wait $pid 2>/dev/null || :; rm -rf '$data' '$data.log' '$home/$name-$port'" EXIT
    for _ in $(seq 300); do
        if answers "$name" "$port" "$data"; then
            [ "$name" != moto ] || curl --silent --output /dev/null --noproxy '*' --request PUT "http://127.0.0.1:$port/tbucket"
            echo "ready $port"
            cat >/dev/null
            return
        fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "stores.sh: $name does not answer on port $port; it said:" >&2
    cat "$data.log" >&2
    return 1
}

# Whether a server takes requests by now, its bucket too where it makes one.
answers() {
    curl --silent --output /dev/null --max-time 2 --noproxy '*' "http://127.0.0.1:$2/" || return 1
    [ "$1" != garage ] || "$garage" -c "$3/garage.toml" bucket info tbucket >/dev/null 2>&1
}

case $#:${1:-} in
2:install) install "$2" ;;
[3-9]:run)
    install "$2"
    shift
    run "$@"
    ;;
*)
    [ "${1:-}" = sdk ] && [ $# -ge 3 ] || usage
    install sdk
    shift
    export LONGHAUL_ORACLES=$home
    exec "$python/bin/python" "$here/sdk.py" "$@"
    ;;
esac

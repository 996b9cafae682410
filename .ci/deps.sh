#!/usr/bin/env bash
# The dependency trees, as reviewed facts.
#
#   .ci/deps.sh            compare (what CI does)
#   .ci/deps.sh --update   rewrite the lists; commit them with the reason for the new dependency
#
# Each pure crate (core, providers/*) has a list in .ci/deps/: every crate of its normal tree, all features, all targets,
# with the version that semver calls compatible (1, or 0.9), so that a patch release changes nothing here.
# Some trees must also never hold certain crates; those rules are below and no update gets around them.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/lib.sh

runtimes="async-executor async-global-executor async-io async-std compio glommio mio monoio polling smol socket2 tokio"
clients="h2 hyper hyper-util native-tls openssl reqwest rustls ureq"
ambient="chrono fastrand getrandom quanta rand web-time"
providers=$(for dir in providers/*/; do package_name "$dir"; done | tr '\n' ' ')

# list PACKAGE: name and compatible version of every crate in the normal tree, the package itself left out.
list() {
    cargo tree "$lock" --package "$1" --edges normal --all-features --target all --prefix none --format '{p}' |
        awk -v self="$1" '
            NF >= 2 && $1 != self {
                version = $2
                sub(/^v/, "", version)
                split(version, v, /[.+-]/)
                print $1, (v[1] > 0 ? v[1] : v[2] > 0 ? v[1] "." v[2] : v[1] "." v[2] "." v[3])
            }' |
        LC_ALL=C sort -u
}

failed=0
lock=--locked
[ "${1:-}" != --update ] || lock=--offline # after adding a dependency the lock file may have to follow

# forbid PACKAGE NAMES: fails when the package's tree holds one of the names.
forbid() {
    local package=$1 name tree
    tree=$(list "$package" | cut -d ' ' -f 1)
    for name in $2; do
        if grep -qx -- "$name" <<<"$tree"; then
            echo "$package must not depend on $name; how it comes in:"
            cargo tree "$lock" --package "$package" --edges normal --all-features --target all --invert "$name" | sed 's/^/    /'
            failed=1
        fi
    done
}

mapfile -t dirs < <(pure_dirs)
for dir in "${dirs[@]}"; do
    package=$(package_name "$dir")
    committed=.ci/deps/$package.txt
    now=$(list "$package")
    if [ "${1:-}" = --update ]; then
        printf '%s\n' "$now" | sed '/^$/d' >"$committed"
    elif [ ! -f "$committed" ]; then
        echo "$committed is missing: run '.ci/deps.sh --update' and commit the new list."
        failed=1
    elif ! diff -u --label "committed: $committed" --label "now: cargo tree -p $package" "$committed" <(printf '%s\n' "$now" | sed '/^$/d'); then
        echo "The dependency tree of $package changed. If it is meant to, run '.ci/deps.sh --update' and say why in the commit."
        failed=1
    fi
    forbid "$package" "$runtimes $clients $ambient"
done

# The driver and the files are runtime-neutral; an adapter knows its own runtime and no protocol.
forbid longhaul-driver "$runtimes $clients $providers"
forbid longhaul-disk "$runtimes $clients $providers"
forbid longhaul-trace "$runtimes $clients $providers"
others="async-executor async-global-executor async-io async-std blocking compio glommio monoio polling smol"
forbid longhaul-hyper "$others mio socket2 reqwest $providers"
forbid longhaul-tokio "$others reqwest $providers"
forbid longhaul-async-io "async-std mio reqwest smol longhaul-tokio $providers"
forbid longhaul-async-std "mio reqwest smol longhaul-tokio $providers"
forbid longhaul-reqwest "$others longhaul-tokio longhaul-hyper rustls native-tls $providers"
forbid longhaul-smol "async-std mio reqwest longhaul-tokio $providers"

# no_tokio_runtime CARGO-TREE'S ARGUMENTS: hyper and TLS are written against tokio's I/O traits and channels; what makes a runtime of it stays off.
no_tokio_runtime() {
    local features system
    # Not all targets at once: async-std has tokio come in on WebAssembly, by wasm-bindgen-futures.
    features=$(for system in x86_64-unknown-linux-gnu aarch64-apple-darwin x86_64-pc-windows-msvc; do
        cargo tree "$lock" "$@" --edges normal,features --target "$system" --prefix none --format '{p}'
    done |
        sed -n 's/^tokio feature "\(.*\)".*/\1/p' | grep -xE 'fs|full|macros|net|process|rt|rt-multi-thread|signal|time' | sort -u | tr '\n' ' ') || true
    if [ -n "$features" ]; then
        echo "$* must not turn on tokio's $features"
        failed=1
    fi
}
for package in longhaul-hyper longhaul-async-io longhaul-async-std longhaul-smol; do no_tokio_runtime --package "$package"; done

# A crate that does not depend on a runtime cannot have its types in its interface (B7). Those above do not; the facade has them by its
# adapters alone.
facade=$(cargo tree "$lock" --package longhaul --edges normal --all-features --depth 1 --prefix none --format '{p}' | cut -d ' ' -f 1)
for name in $runtimes $clients; do
    if grep -qx -- "$name" <<<"$facade"; then
        echo "longhaul must not depend on $name but through an adapter"
        failed=1
    fi
done

# The same of applications: what one has that takes the facade with one runtime.
no_tokio_runtime --package longhaul --no-default-features --features async-std,http
no_tokio_runtime --package longhaul --no-default-features --features smol,http
if cargo tree "$lock" --package longhaul --edges normal --prefix none | grep -E '^(async-|smol |blocking |polling |reqwest )'; then
    echo "an application on tokio must not have these"
    failed=1
fi

[ "$failed" = 0 ] && echo "dependency trees: as committed"
exit "$failed"

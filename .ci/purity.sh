#!/usr/bin/env bash
# The pure crates (core, providers/*) cannot name a clock, a socket, a file, a thread or the environment.
#
# First by what their sources say: `#![no_std]`, `#![forbid(unsafe_code)]`, and std linked nowhere but in tests.
# Then by experiment: in a copy of the workspace, lines that name such things are added to each crate, and the compiler has
# to refuse every one of them with E0433 (no crate `std`).
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/lib.sh

failed=0
complain() {
    echo "$*"
    failed=1
}

mapfile -t dirs < <(pure_dirs)
for dir in "${dirs[@]}"; do
    lib=$dir/src/lib.rs
    grep -qx '#!\[no_std\]' "$lib" || complain "$lib lacks the line #![no_std] (unconditional: no cfg_attr)"
    grep -Eqx '#!\[forbid\(([a-z_:, ]*[ ,])?unsafe_code[a-z_:, ]*\)\]' "$lib" || complain "$lib lacks #![forbid(unsafe_code)]"
    # `extern crate std` would undo no_std: allowed only right after #[cfg(test)].
    while read -r place; do
        complain "$place: links std outside tests; put #[cfg(test)] on the line before, or remove it"
    done < <(find "$dir/src" -name '*.rs' -exec awk '
        FNR == 1 { before = "" }
        /^[ \t]*(pub[^;]* )?extern crate std[ ;]/ && before !~ /#\[cfg\(test\)\]/ { print FILENAME ":" FNR }
        NF { before = $0 }' {} +)
    [ ! -e "$dir/build.rs" ] || complain "$dir/build.rs: a pure crate has no build script"
done
cmp core/clippy.toml providers/clippy.toml || complain "core/clippy.toml and providers/clippy.toml are one text in two places: copy one over the other"
[ "$failed" = 0 ] || exit 1
echo "purity: attributes in place"

probes=(
    'std::time::Instant::now()'
    'std::time::SystemTime::now()'
    'std::fs::File::open("x")'
    'std::net::TcpStream::connect("127.0.0.1:1")'
    'std::env::var("HOME")'
    'std::thread::yield_now()'
)

# The copy shares the target folder, so the crates it depends on are compiled once for all steps.
target=${CARGO_TARGET_DIR:-$PWD/target}
mkdir -p "$target"
target=$(cd "$target" && pwd)
export CARGO_TARGET_DIR=$target
copy=$target/purity
rm -rf "$copy"
mkdir -p "$copy"
git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
    tar --create --null --files-from=- | tar --extract --directory="$copy"
cd "$copy"

for dir in "${dirs[@]}"; do
    package=$(package_name "$dir")
    lib=$dir/src/lib.rs
    if ! cargo check --quiet --locked --package "$package" --all-features; then
        complain "$package does not compile as it is, so the experiment says nothing"
        continue
    fi
    cp "$lib" lib.rs.clean
    {
        printf '\n#[doc(hidden)]\npub mod purity_probe {\n'
        for i in "${!probes[@]}"; do printf '    pub fn probe_%d() { let _ = %s; }\n' "$i" "${probes[$i]}"; done
        printf '}\n'
    } >>"$lib"
    if errors=$(cargo check --quiet --locked --package "$package" --all-features --message-format short 2>&1); then
        complain "$package compiles with a clock, a file and a socket in it"
    fi
    for i in "${!probes[@]}"; do
        line=$(grep -n "fn probe_$i()" "$lib" | cut -d : -f 1)
        grep -q "src/lib.rs:$line:.*error\[E0433\]" <<<"$errors" || complain "$package: '${probes[$i]}' was not refused with E0433"
    done
    if other=$(grep 'error\[' <<<"$errors" | grep -v 'error\[E0433\]'); then
        complain "$package: failed for another reason than the probes: $other"
    fi
    cp lib.rs.clean "$lib"
    echo "purity: $package, ${#probes[@]} impure lines tried"
done
[ "$failed" = 0 ] && echo "purity: every impure line was refused"
exit "$failed"

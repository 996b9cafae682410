# Shared by the scripts in this folder; sourced, never run.
# shellcheck shell=bash

# The folders of the pure crates: the core and every provider.
pure_dirs() {
    local manifest
    for manifest in core/Cargo.toml providers/*/Cargo.toml; do
        dirname "$manifest"
    done
}

# The package name in a crate's folder.
package_name() {
    sed -n 's/^name *= *"\([^"]*\)".*/\1/p' "$1/Cargo.toml" | head -n 1
}

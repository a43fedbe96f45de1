#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bring ONNX Runtime, which finds faces and landmarks: the distribution's package where there
# is one, else the official library out of npm's onnxruntime-node, put into FOLDER.
# Nothing is asked, and nothing is fetched when it is there.
#
# Usage: setup_onnx.sh [FOLDER]    (default: onnxruntime beside this script's folder)
set -eu

folder=${1:-$(cd "$(dirname "$0")/.." && pwd)/onnxruntime}
library=libonnxruntime.so.1
package=onnxruntime-node
version=1.30.0
sha256=6e3390d6b783e7be946fad629292799da28d0b42f84856e50d2c1b0383291e75

say() {
    echo "setup-onnx: $*" >&2
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    else
        say "not root and no sudo; as root, run: $*"
        return 1
    fi
}

# True where apt knows the package.
known() {
    command -v apt-cache >/dev/null 2>&1 || return 1
    apt-cache policy "$1" 2>/dev/null | grep 'Candidate:' | grep -qv '(none)'
}

installed() {
    PATH=$PATH:/sbin:/usr/sbin
    ldconfig -p 2>/dev/null | grep -q 'libonnxruntime\.so'
}

if [ -f "$folder/$library" ] || installed; then
    exit 0
fi

if known libonnxruntime-dev; then
    say "installing libonnxruntime-dev"
    if as_root apt-get install -q -y --no-install-recommends libonnxruntime-dev && installed; then
        exit 0
    fi
    say "the distribution's package did not bring the library; trying npm"
fi

case $(uname -s)-$(uname -m) in
Linux-x86_64) platform=linux/x64 ;;
Linux-aarch64) platform=linux/arm64 ;;
*)
    say "$package has no library for $(uname -s) on $(uname -m); put $library into $folder"
    exit 1
    ;;
esac

if ! command -v npm >/dev/null 2>&1; then
    if ! command -v apt-get >/dev/null 2>&1; then
        say "no npm and no apt-get here; install npm, or put $library into $folder"
        exit 1
    fi
    say "installing npm"
    as_root apt-get update -q
    as_root apt-get install -q -y --no-install-recommends npm
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "fetching $package $version from npm (113 MB)"
if ! (cd "$work" && npm pack --silent --fetch-retries=1 "$package@$version" >name); then
    say "npm could not fetch $package $version; is there a network?"
    exit 1
fi
archive=$work/$(tail -n 1 "$work/name")
if ! echo "$sha256  $archive" | sha256sum --check --status; then
    say "$package $version is not the file that was checked (SHA-256 $sha256)"
    exit 1
fi

member=$(tar -tzf "$archive" | grep "^package/bin/[^/]*/$platform/libonnxruntime\.so\.1$" || true)
if [ -z "$member" ]; then
    say "$package $version holds no $library for $platform"
    exit 1
fi
mkdir -p "$folder"
# Under its name only when it is whole.
tar -xzf "$archive" -O "$member" >"$folder/$library.part"
mv "$folder/$library.part" "$folder/$library"
say "$folder/$library is there"

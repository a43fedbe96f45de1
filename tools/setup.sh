#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what building and testing need and is not there yet. Nothing is asked, and
# nothing is fetched when all is there. Names are those of Debian 12; see README.md.
set -eu

packages="
    make gcc g++ libc6-dev binutils pkg-config meson ninja-build python3
    libdnnl-dev
    libavformat-dev libavcodec-dev libavutil-dev libswscale-dev libswresample-dev
    libturbojpeg0-dev libpng-dev libcairo2-dev zlib1g-dev libssl-dev
    libcurl4-openssl-dev ca-certificates
    libmicrohttpd-dev libsqlite3-dev libseccomp-dev
    libkissfft-dev libjansson-dev libcmocka-dev
    valgrind
    flite1-dev libespeak-ng-dev espeak-ng-data espeak-ng
"

if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: no apt-get here; these Debian packages, or what they hold, are needed:" >&2
    echo $packages >&2
    exit 0
fi

missing=
for package in $packages; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "setup: not root and no sudo; as root, run: apt-get install$missing" >&2
        exit 1
    fi
    as_root="sudo"
fi

echo "setup: installing$missing" >&2
$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
$as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends $missing

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what the test of the server's page needs: Debian's Chromium and Node.js with
# playwright-core from npm, which goes into the folder that is named.
# Usage: setup_browser.sh [BUILD]
set -eu

browser=${1:-build}/browser
as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
missing=
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
[ -d "$browser/node_modules/playwright-core" ] || command -v npm >/dev/null 2>&1 ||
    missing="$missing npm"
if [ -n "$missing" ]; then
    echo "setup: installing$missing" >&2
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends $missing
fi
mkdir -p "$browser"
[ -d "$browser/node_modules/playwright-core" ] ||
    npm install --prefix "$browser" --no-save --no-audit --no-fund playwright-core@1

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what the test of the server's page needs: Debian's Chromium, Node.js and npm, and
# playwright-core through npm, which goes into the folder that is named.
# Usage: setup_browser.sh [BUILD]
set -eu

# It runs on Node.js 18, which is Debian 12's; later ones ask for 20.
version=1.58.0
browser=${1:-build}/browser

missing=
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
command -v npm >/dev/null 2>&1 || missing="$missing npm"
if [ -n "$missing" ]; then
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    echo "setup: installing$missing" >&2
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends $missing ca-certificates
fi

module=$browser/node_modules/playwright-core
if grep -q "\"version\": \"$version\"" "$module/package.json" 2>/dev/null; then
    exit 0
fi
rm -rf "$module"
mkdir -p "$browser"
npm install --prefix "$browser" --no-save --no-audit --no-fund "playwright-core@$version"

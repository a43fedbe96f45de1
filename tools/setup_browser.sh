#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what the test of the server's page needs: Debian's Chromium and Node.js, and
# playwright-core from npm's registry, which goes into the folder that is named. Debian's npm is
# not needed for that: it would bring more than 300 packages.
# Usage: setup_browser.sh [BUILD]
set -eu

# It runs on Node.js 18, which is Debian 12's; later ones ask for 20.
version=1.58.0
sha512=aaoB1RWrdNi3//rOeKuMiS65UCcgOVljU46At6eFcOFPFHWtd2weHRRow6z/n+Lec0Lvu0k9ZPKJSjPugikirw==
registry=${NPM_CONFIG_REGISTRY:-https://registry.npmjs.org}
browser=${1:-build}/browser

missing=
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
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
if command -v npm >/dev/null 2>&1; then
    npm install --prefix "$browser" --no-save --no-audit --no-fund "playwright-core@$version"
    exit 0
fi
node --input-type=module - "${registry%/}/playwright-core/-/playwright-core-$version.tgz" \
    "$sha512" "$browser/playwright-core.tgz" <<'EOF'
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";

const [url, wanted, file] = process.argv.slice(2);
const answer = await fetch(url);
if (!answer.ok)
  throw new Error(`${url}: ${answer.status}`);
const data = Buffer.from(await answer.arrayBuffer());
if (createHash("sha512").update(data).digest("base64") !== wanted)
  throw new Error(`${url}: what came is another file`);
writeFileSync(file, data);
EOF
mkdir -p "$module"
tar -xzf "$browser/playwright-core.tgz" -C "$module" --strip-components=1
rm "$browser/playwright-core.tgz"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: test_sanitized.sh FOLDER SANITIZER [what meson test is given]
# Build in FOLDER with -Db_sanitize=SANITIZER (address,undefined or thread) and run tests there.
set -eu
folder=$1
sanitizer=$2
shift 2
[ -f "$folder/build.ninja" ] ||
    meson setup -Dbuildtype=debugoptimized "-Db_sanitize=$sanitizer" "$folder"
ninja -C "$folder"
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
exec meson test -C "$folder" --no-rebuild --print-errorlogs --timeout-multiplier 4 "$@"

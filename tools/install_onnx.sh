#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install the ONNX Runtime that `make setup-onnx` fetched beside our own library, so that an
# installed command does without the source tree. Run by `meson install`.
#
# Usage: install_onnx.sh FOLDER    (below the prefix, where the library looks)
set -eu

library=libonnxruntime.so.1
from=$(cd "$(dirname "$0")/.." && pwd)/onnxruntime/$library
[ -f "$from" ] || exit 0
folder=$MESON_INSTALL_DESTDIR_PREFIX/$1
echo "Installing $from to $folder"
mkdir -p "$folder"
cp "$from" "$folder/$library.part"
chmod 644 "$folder/$library.part"
mv "$folder/$library.part" "$folder/$library"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make data/demo/0.safetensors: film the demo person, train the narrow network, pack it.
#
#     tools/demo/make_person.sh WORK
#
# WORK is a folder for films and checkpoints (about 4 GB). After an interruption the same
# command goes on. BUILD names the build folder.
set -eu

work=$1
build=${BUILD:-build}
source=$(dirname "$0")/../..
dataset=$work/dataset/demo
seconds=15 # of each take

# Both voices of each take are among those that the audio encoder was trained on.
film() {
    take=$1
    english=$2
    german=$3
    [ -e "$work/dataset/take-$take/aud.wav" ] ||
        "$build/tools/person/render_person" "$work" "take-$take" --seed "$take" \
            --seconds $seconds --language mixed --voice "$english" --voice-de "$german"
}

if [ ! -e "$dataset/aud.wav" ]; then
    film 1 flite/slt espeak/de+f2
    film 2 espeak/en-us+f2 espeak/de+m3
    film 3 flite/rms espeak/de+f4
    film 4 espeak/en+f4 espeak/de+m1
    film 5 espeak/en-gb-x-rp+m3 espeak/de+f1
    film 6 flite/kal16 espeak/de+m5
    film 7 espeak/en-us+m1 espeak/de+f2
    film 8 flite/slt espeak/de+m7
    film 9 espeak/en-us+f4 espeak/de+klatt
    film 10 flite/rms espeak/de+f1
    film 11 espeak/en-gb-x-rp+f1 espeak/de+m3
    film 12 espeak/en+m7 espeak/de+f4
    film 13 flite/kal16 espeak/de+f2
    film 14 espeak/en-us+f1 espeak/de+m1
    film 15 espeak/en+klatt espeak/de+m5
    film 16 espeak/en-gb-x-rp+f2 espeak/de+f1
    "$source/tools/demo/join_takes.py" "$dataset.part" \
        $(seq -f "$work/dataset/take-%g" 1 16)
    mv "$dataset.part" "$dataset"
fi
[ -e "$dataset/aud_ave.npy" ] ||
    "$build/cli/synctalk" features "$dataset/aud.wav" --models "$source/data" \
        -o "$dataset/aud_ave.npy"

# First the face, then the mouth: what a sound moves is a small part of the picture, and a
# loss around the lips teaches it once all else is there.
train() {
    root=$1
    shift
    "$build/cli/synctalk" train --root "$root" --model demo --width narrow --encoder ave \
        --holdout 0.03 --batch 4 --lr 0.001 --schedule cosine --warm-up 20 --average 0 \
        --precision bf16 "$@"
}
mouth=$work/mouth
mkdir -p "$mouth"
[ -e "$mouth/dataset" ] || ln -s ../dataset "$mouth/dataset"
train "$work" --epochs 5 --seed 1 --mouth-weight 4
train "$mouth" --epochs 6 --seed 2 --mouth-weight 1 --lips-weight 10 \
    --warm-start "$work/checkpoint/demo/4.pth"

mkdir -p "$source/data/demo"
"$build/cli/synctalk" convert "$mouth/checkpoint/demo/5.pth" \
    "$source/data/demo/0.safetensors" --to safetensors-f16 --encoder ave -y

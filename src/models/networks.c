/* SPDX-License-Identifier: Apache-2.0 */
/* A digest is written here where the file itself was at hand, or where several who have it
 * state the same one; an address, where it names one version of that file for good.
 */
#include "models/networks.h"

#include <string.h>

#define NAMES (const char *const[])

static const synctalk_network table[] = {
    {
        .name = "ave",
        .purpose = "to hear sound with the audio encoder ave, the default",
        .users = "generate, features, preprocess",
        .files = NAMES{"audio_visual_encoder.pth", "audio_visual_encoder.safetensors",
                       "ave.safetensors", "checkpoints/audio_visual_encoder.pth",
                       "checkpoints/audio_visual_encoder.safetensors",
                       "model/audio_visual_encoder.pth", "model/audio_visual_encoder.safetensors",
                       "model/checkpoints/audio_visual_encoder.pth",
                       "model/checkpoints/audio_visual_encoder.safetensors", NULL},
        .licence = "Apache-2.0 (synctalk's own encoder)",
        .source = "synctalk's source tree has its own as data/audio_visual_encoder.safetensors; a "
                  "person trained by SyncTalk 2D needs its model/checkpoints/"
                  "audio_visual_encoder.pth",
        .file = "audio_visual_encoder.safetensors",
        .bytes = 5642200,
        .sha256 = "fe54525d76515ce7965b6b6fcfaf8281e4f478fdacfcadddc64dd5e34565c7d8",
    },
    {
        .name = "hubert",
        .purpose = "to hear sound with the audio encoder hubert",
        .users = "generate, features, preprocess --encoder hubert",
        .files = NAMES{"hubert-large-ls960-ft/model.safetensors",
                       "hubert-large-ls960-ft/pytorch_model.bin",
                       "facebook/hubert-large-ls960-ft/model.safetensors",
                       "facebook/hubert-large-ls960-ft/pytorch_model.bin",
                       "hubert/model.safetensors", "hubert/pytorch_model.bin", NULL},
        .licence = "Apache-2.0",
        .source = "the model facebook/hubert-large-ls960-ft on Hugging Face: pytorch_model.bin or "
                  "model.safetensors, and config.json beside it, into a folder "
                  "hubert-large-ls960-ft",
        .file = "pytorch_model.bin",
    },
    {
        .name = "wenet",
        .purpose = "to hear sound with the audio encoder wenet",
        .users = "persons trained on wenet features",
        .files = NAMES{"wenet/encoder.onnx", "encoder.onnx", NULL},
        .licence = "not stated by its publisher",
        .source = "docs/WEIGHTS.md of github.com/anliyuan/FeatherTalk links encoder.onnx; it is "
                  "run by ONNX Runtime",
        .file = "encoder.onnx",
    },
    {
        .name = "detector",
        .purpose = "to find faces",
        .users = "generate --mode video, preprocess",
        .files = NAMES{"scrfd_2.5g_kps.onnx", "data_utils/scrfd_2.5g_kps.onnx", NULL},
        .licence = "non-commercial research only (InsightFace's terms for its weights)",
        .source = "SyncTalk 2D and github.com/anliyuan/Ultralight-Digital-Human have it as "
                  "data_utils/scrfd_2.5g_kps.onnx",
        .file = "scrfd_2.5g_kps.onnx",
        .bytes = 3291017,
        .sha256 = "32d20c77b9e2dc1d07e94c2ab9d25bdd5cd05eddbe0b46e7b38e7a1eca22e99a",
    },
    {
        .name = "landmarks-110",
        .purpose = "to find the points of a face, in the layout of published persons",
        .users = "generate --mode video, preprocess",
        .files =
            NAMES{"checkpoint_epoch_335.pth.tar", "data_utils/checkpoint_epoch_335.pth.tar", NULL},
        .licence = "not stated by its publisher",
        .source = "SyncTalk 2D and github.com/anliyuan/Ultralight-Digital-Human have it as "
                  "data_utils/checkpoint_epoch_335.pth.tar; data_utils/mean_face.txt belongs "
                  "beside it",
        .file = "checkpoint_epoch_335.pth.tar",
        .bytes = 5039598,
        .sha256 = "bada866661ad5fa1080a085f51fe9c016c69958c406951afa4afc7840f856de0",
    },
    {
        .name = "landmarks-106",
        .purpose = "to find the points of a face, in InsightFace's layout",
        .users = "generate --mode video, preprocess",
        .files = NAMES{"landmarks_106.onnx", "2d106det.onnx", NULL},
        .licence = "not stated by its publisher; InsightFace's 2d106det.onnx: non-commercial "
                   "research only",
        .source = "2d106det.onnx of InsightFace's model packs (github.com/deepinsight/insightface) "
                  "does as well",
        .file = "landmarks_106.onnx",
        .bytes = 1063021,
        .sha256 = "ce073227c4afee80e46abd98c8b99f5a55c3ad47f0f9cb2d2d333aeb510288f4",
        .alternative = 1,
    },
    {
        .name = "landmarks-98",
        .purpose = "to find the points of a face, in WFLW's layout",
        .users = "generate --mode video, preprocess",
        .files = NAMES{"landmarks_98.onnx", NULL},
        .licence = "Apache-2.0",
        .source = "any PFLD network of 98 points in ONNX, with an output [1, 196] in units of the "
                  "crop, does",
        .file = "landmarks_98.onnx",
        .bytes = 2838549,
        .sha256 = "74d1a83932af79c2689d9371b21f32d014552f089985f076e832e89cb18f41e8",
        .alternative = 1,
    },
    {
        .name = "vad",
        .purpose = "to tell speech from silence, better than the built-in detector does",
        .users = "vad, generate --mode clips",
        .files = NAMES{"silero_vad_16k_v6.safetensors", "silero_vad_16k_op15.onnx", NULL},
        .licence = "MIT (Silero VAD)",
        .source = "github.com/snakers4/silero-vad has it as "
                  "src/silero_vad/data/silero_vad_16k_op15.onnx",
        .file = "silero_vad_16k_op15.onnx",
        .bytes = 1289603,
        .sha256 = "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49",
        .address = "https://raw.githubusercontent.com/snakers4/silero-vad/v6.2.1/src/silero_vad/"
                   "data/silero_vad_16k_op15.onnx",
    },
    {
        .name = "vgg19",
        .purpose = "for the perceptual term of training",
        .users = "train --vgg FILE",
        .files = NAMES{"vgg19-dcbb9e9d.pth", NULL},
        .licence = "BSD-3-Clause (torchvision); trained on ImageNet, whose pictures are for "
                   "research",
        .source = "download.pytorch.org/models/vgg19-dcbb9e9d.pth, as torchvision loads it",
        .file = "vgg19-dcbb9e9d.pth",
        .bytes = 574673361,
        .sha256 = "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
        .address = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    },
};

const synctalk_network *st_networks(size_t *count)
{
    *count = sizeof table / sizeof *table;
    return table;
}

const synctalk_network *st_network_named(const char *name)
{
    for (size_t i = 0; name && i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

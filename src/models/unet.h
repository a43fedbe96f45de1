/* SPDX-License-Identifier: Apache-2.0 */
/* The UNet that redraws the lower face. docs/MODEL.md describes it layer by layer.
 *
 * A struct st_unet holds the checkpoint, batch norms folded, packed for this machine:
 * immutable, shared by any number of threads. A struct st_unet_worker holds one thread's
 * activations; after its first frame it allocates nothing.
 */
#ifndef ST_MODELS_UNET_H
#define ST_MODELS_UNET_H

#include <stddef.h>
#include <stdint.h>

#include "synctalk/settings.h"
#include "weights/weights.h"

#define ST_UNET_SIDE 320
#define ST_UNET_EAR 64 /* bytes of an encoder's name, terminator included */

struct st_kernels;
struct st_unet;
struct st_unet_worker;

/* What a checkpoint is, read off its shapes. */
struct st_unet_form {
    bool narrow;              /* channels 16...256 instead of 32...512 */
    synctalk_encoder encoder; /* whose vectors it takes: WENET from the shapes; AVE or HUBERT from
                                 metadata ("synctalk.encoder") if any; else AUTO: not decided */
    char hears[ST_UNET_EAR];  /* name of the encoder that it was made for, often that of `encoder`;
                                 "" where it is not decided */
    int window;               /* audio vectors a frame uses: 16, narrow 8 */
    size_t vector;            /* floats in a vector: 512, 2048, 8192; for AUTO 0 */
    size_t audio_dims[3];     /* window reinterpreted, e.g. [32, 16, 16]; for AUTO zeros */
};

/* The encoder that is to be heard with. A custom one has vectors of 512, 2048 or 8192 numbers
 * and stands in for ave, hubert or wenet. */
struct st_unet_ear {
    const char *name;
    size_t vector;
};

/* E_MODEL where it is not a SyncTalk UNet. Completes vector and audio_dims from `ear`, which
 * may be NULL, when the file leaves it open; E_ARG, naming the encoder that the checkpoint was
 * made for, when the two contradict. */
synctalk_status st_unet_recognise_for(struct st_unet_form *form, const struct st_weights *weights,
                                      const struct st_unet_ear *ear, synctalk_error *err);

/* The same for an encoder that is not a custom one, or AUTO. */
synctalk_status st_unet_recognise(struct st_unet_form *form, const struct st_weights *weights,
                                  synctalk_encoder encoder, synctalk_error *err);

/* The encoder that vectors of `vector` numbers fit the input of; AUTO: none. */
synctalk_encoder st_unet_encoder_of(size_t vector);

/* What metadata says of the encoder of `form`: its name and, of a custom one, the size of its
 * vectors: "phonemes/512". */
void st_unet_form_note(const struct st_unet_form *form, char note[ST_UNET_EAR + 24]);

/* `form` from st_unet_recognise(), with the encoder decided. `weights` is borrowed only
 * for the call; `kernels` is copied. */
synctalk_status st_unet_open(struct st_unet **out, const struct st_weights *weights,
                             const struct st_unet_form *form, const struct st_kernels *kernels,
                             synctalk_error *err);

/* The same in other precisions: unet_recipe.h. Where the CPU is below AVX2, in f32. */
struct st_unet_recipe;
synctalk_status st_unet_open_as(struct st_unet **out, const struct st_weights *weights,
                                const struct st_unet_form *form,
                                const struct st_unet_recipe *recipe,
                                const struct st_kernels *kernels, synctalk_error *err);
void st_unet_close(struct st_unet **unet);
const struct st_unet_form *st_unet_form(const struct st_unet *unet);

/* `unet` is borrowed until the worker is closed. One thread at a time. */
synctalk_status st_unet_worker_open(struct st_unet_worker **out, const struct st_unet *unet,
                                    synctalk_error *err);
void st_unet_worker_close(struct st_unet_worker **worker);

/* N samples, one after the other (a batch gains nothing on a CPU; see docs/MODEL.md).
 *   image  [N, 6, 320, 320] f32 in [0, 1]: inner crop, masked crop, BGR planes
 *   audio  [N, audio_dims] f32
 *   out    [N, 3, 320, 320] f32 in (0, 1), BGR planes */
synctalk_status st_unet_run(struct st_unet_worker *worker, size_t N, const float *image,
                            const float *audio, float *out, synctalk_error *err);

/* The same network in its three parts, for whoever keeps what does not change. The audio side
 * depends on the sound alone and is given into the caller's block. The image side depends on
 * the source frame alone and stays in the worker, for the rest, which uses it up; so does an
 * audio side that is run after it. What is dear of it, x2 ... x6, is copied to a block as well
 * where one is given, and can be loaded from there later: x1, two thirds of the bytes, costs
 * less to compute again than to keep.
 *
 *     st_unet_run_audio_side(worker, audio, audio_side, err);
 *     st_unet_run_image_side(worker, image, image_side or NULL, err);
 *       or st_unet_load_image_side(worker, image, image_side, err);
 *     st_unet_run_rest(worker, audio_side, out, err);
 *
 * Blocks are aligned to 64 bytes, of the sizes below, in the precision that the network works
 * in, and mean the same to every worker of this `unet`. st_unet_run() gives the same bytes as
 * its parts. */
size_t st_unet_image_side_bytes(const struct st_unet *unet);
size_t st_unet_audio_side_bytes(const struct st_unet *unet);
synctalk_status st_unet_run_audio_side(struct st_unet_worker *worker, const float *audio,
                                       void *audio_side, synctalk_error *err);
synctalk_status st_unet_run_image_side(struct st_unet_worker *worker, const float *image,
                                       void *image_side, synctalk_error *err);
/* `image` is the one that `image_side` was made of. */
synctalk_status st_unet_load_image_side(struct st_unet_worker *worker, const float *image,
                                        const void *image_side, synctalk_error *err);
synctalk_status st_unet_run_rest(struct st_unet_worker *worker, const void *audio_side, float *out,
                                 synctalk_error *err);

/* A checkpoint with random weights under the published names, for tools, tests and
 * benchmarks: He initialisation, batch norms near identity. Same seed, same bytes. */
synctalk_status st_unet_random(struct st_weights **out, bool narrow, synctalk_encoder encoder,
                               uint64_t seed, synctalk_error *err);

#endif /* ST_MODELS_UNET_H */

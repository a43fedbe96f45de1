/* SPDX-License-Identifier: Apache-2.0 */
#include "face/analysis.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "face/analysis_impl.h"

#define SIDE_WANTED 256 /* pixels; a smaller face gives the mouth too few of them */

struct st_analysis {
    char video[ST_PATH_MAX];
    struct st_face_file *file; /* owns */
    struct st_analysis_summary summary;
    bool hold; /* draw frames without a face of their own */
    bool smooth;
};

static double seconds_of(int64_t frame, int fps)
{
    return (double)frame / fps;
}

static synctalk_status fail_no_face(const struct st_face_totals *totals,
                                    const struct st_analysis_settings *settings,
                                    synctalk_error *err)
{
    const struct st_tracker_settings *tracker = &settings->tracker;
    if (tracker->choice == ST_FACE_INDEX && totals->most_faces > 0)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: no frame has a face number %d, counted from the left with 0; there are "
                       "at most %d faces in any of %" PRId64 " frames",
                       settings->video, tracker->index, totals->most_faces, totals->frames);
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: no face in any of %" PRId64 " frames (scores from %.2f to %.2f; %.2f is "
                   "needed); a frontal, well-lit face of at least %dx%d pixels is found best",
                   settings->video, totals->frames, (double)totals->worst_score,
                   (double)totals->best_score, (double)tracker->threshold, SIDE_WANTED,
                   SIDE_WANTED);
}

/* What makes the video useless. */
static synctalk_status judge(const struct st_face_totals *totals,
                             const struct st_analysis_settings *settings, synctalk_error *err)
{
    const bool whole_look = settings->no_face != ST_NO_FACE_FAIL || totals->first_missing < 0;
    if (whole_look && totals->found == 0)
        return fail_no_face(totals, settings, err);
    if (!whole_look)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: no face in frame %" PRId64 ", at %.2f s; with --no-face hold or pass "
                       "such frames are no failure",
                       settings->video, totals->first_missing,
                       seconds_of(totals->first_missing, settings->fps));
    return SYNCTALK_OK;
}

static void warn(const struct st_face_totals *totals, const struct st_analysis_settings *settings,
                 const synctalk_callbacks *callbacks)
{
    const int64_t missing = totals->frames - totals->found;
    if (missing > 0)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s: no face in %" PRId64 " of %" PRId64 " frames, the first is frame %" PRId64
               " at %.2f s; %s",
               settings->video, missing, totals->frames, totals->first_missing,
               seconds_of(totals->first_missing, settings->fps),
               settings->no_face == ST_NO_FACE_HOLD ? "the mouth stays where it was seen last"
                                                    : "they stay as they are");
    if (totals->smallest_side < SIDE_WANTED)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s: the face is small, %d pixels across in frame %" PRId64
               "; at least %dx%d are recommended",
               settings->video, totals->smallest_side, totals->smallest_at, SIDE_WANTED,
               SIDE_WANTED);
    if (totals->jumps > 0)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s: the face jumps in %" PRId64 " frames, the first is frame %" PRId64
               " at %.2f s; where there is more than one face, --face chooses",
               settings->video, totals->jumps, totals->first_jump,
               seconds_of(totals->first_jump, settings->fps));
}

static void summarise(struct st_analysis *analysis, bool reused)
{
    const struct st_face_totals *totals = st_face_file_totals(analysis->file);
    analysis->summary = (struct st_analysis_summary){
        .frames = totals->frames,
        .found = totals->found,
        .first_missing = totals->first_missing,
        .jumps = totals->jumps,
        .first_jump = totals->first_jump,
        .smallest_side = totals->smallest_side,
        .smallest_at = totals->smallest_at,
        .largest_side = totals->largest_side,
        .worst_score = totals->worst_score,
        .best_score = totals->best_score,
        .points = st_face_file_points(analysis->file),
        .reused = reused,
    };
}

static synctalk_status look(struct st_analysis *analysis,
                            const struct st_analysis_settings *settings,
                            const struct st_analysis_parts *parts, struct st_analysis_view *view,
                            const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const int64_t held = st_face_file_totals(analysis->file)->frames;
    synctalk_status st;
    if ((st = parts->open_networks(parts->context, settings, view, err)))
        return st;
    if (held > 0)
        st_log(callbacks, SYNCTALK_LOG_INFO,
               "the analysis of %s goes on after %" PRId64 " of %" PRId64 " frames",
               settings->video, held, view->frames);
    if ((st = st_analysis_run(analysis->file, view, settings, callbacks, err)))
        return st;
    const int64_t damaged = view->damaged(view->video);
    if (damaged > 0)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s: %" PRId64 " pictures are damaged; the ones before them stand in",
               settings->video, damaged);
    return SYNCTALK_OK;
}

/* A kept one, or a new one. */
static synctalk_status fill(struct st_analysis *analysis,
                            const struct st_analysis_settings *settings,
                            const struct st_analysis_parts *parts,
                            const synctalk_callbacks *callbacks, synctalk_error *err)
{
    /* Whoever opens the video to play it tells about it. */
    const synctalk_callbacks quiet = {
        .user = callbacks ? callbacks->user : NULL,
        .cancelled = callbacks ? callbacks->cancelled : NULL,
    };
    struct st_analysis_view view = {0};
    struct st_face_form form = {.fps = settings->fps};
    synctalk_status st;

    if ((st = parts->open_video(parts->context, settings, &quiet, &view, err)) ||
        (settings->cache && (st = st_analysis_key(form.key, settings, callbacks, err))))
        goto done;
    form.frames = view.frames;
    form.width = view.width;
    form.height = view.height;
    if ((st = st_face_file_open(&analysis->file, settings->cache, &form, callbacks, err)))
        goto done;

    const struct st_face_totals *totals = st_face_file_totals(analysis->file);
    const bool reused = st_face_file_complete(analysis->file);
    const bool refused = settings->no_face == ST_NO_FACE_FAIL && totals->first_missing >= 0;
    if (reused)
        st_log(callbacks, SYNCTALK_LOG_INFO, "the analysis of %s is reused", settings->video);
    else if (!refused && (st = look(analysis, settings, parts, &view, callbacks, err)))
        goto done;
    if ((st = judge(totals, settings, err)))
        goto done;
    warn(totals, settings, callbacks);
    summarise(analysis, reused);

done:
    parts->close(parts->context);
    return st;
}

synctalk_status st_analysis_open_with(struct st_analysis **out,
                                      const struct st_analysis_settings *settings,
                                      const struct st_analysis_parts *parts,
                                      const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st;
    *out = NULL;
    struct st_analysis *analysis = calloc(1, sizeof *analysis);
    if (!analysis)
        return st_fail_memory(err, "an analysis", sizeof *analysis);
    analysis->hold = settings->no_face == ST_NO_FACE_HOLD;
    analysis->smooth = settings->tracker.smooth;
    if ((st = st_path_format(analysis->video, err, "%s", settings->video)) ||
        (st = fill(analysis, settings, parts, callbacks, err)))
        st_analysis_close(&analysis);
    *out = analysis;
    return st;
}

void st_analysis_close(struct st_analysis **analysis)
{
    if (!analysis || !*analysis)
        return;
    st_face_file_close(&(*analysis)->file);
    free(*analysis);
    *analysis = NULL;
}

const struct st_analysis_summary *st_analysis_summary(const struct st_analysis *analysis)
{
    return &analysis->summary;
}

static void take_points(struct st_landmarks *landmarks, const struct st_face_record *record,
                        int count)
{
    *landmarks = (struct st_landmarks){.count = count};
    memcpy(landmarks->points, record->points, sizeof *record->points * (size_t)count);
}

synctalk_status st_analysis_frame(const struct st_analysis *analysis, int64_t frame,
                                  struct st_analysed *analysed, synctalk_error *err)
{
    const struct st_face_totals *totals = st_face_file_totals(analysis->file);
    const int points = st_face_file_points(analysis->file);
    const int side = analysis->summary.largest_side;
    struct st_face_record record;
    synctalk_status st;

    if ((st = st_face_file_read(analysis->file, frame, &record, err)))
        return st;
    analysed->found = record.flags & ST_FACE_FOUND;
    analysed->draw = analysed->found || analysis->hold;

    const int64_t source = record.last >= 0 ? record.last : totals->first_found;
    if (source != frame && (st = st_face_file_read(analysis->file, source, &record, err)))
        return st;
    take_points(&analysed->landmarks, &record, points);
    if (analysis->smooth) {
        struct st_landmarks smoothed;
        if ((st = st_analysis_smooth(&smoothed, analysis->file, source, err)))
            return st;
        if (st_landmarks_plausible(&smoothed))
            analysed->landmarks = smoothed;
    }
    st = st_crop_box_from_landmarks(&analysed->box, &analysed->landmarks, analysis->video, err);
    if (!st && analysed->box.side > side) {
        /* A parabola may swing beyond what it is fitted to. */
        analysed->box.x += (analysed->box.side - side) / 2;
        analysed->box.side = side;
    }
    return st;
}

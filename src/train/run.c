/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "models/train_models.h"
#include "train/adam.h"
#include "train/average.h"
#include "train/chart.h"
#include "train/folder.h"
#include "train/journal.h"
#include "train/state.h"
#include "weights/weights.h"

#define STEPS_BETWEEN_LINES 50

struct run {
    struct st_task *task;
    const synctalk_train_settings *settings;
    json_t *identity;
    struct st_pool *pool;
    const synctalk_callbacks *callbacks;
    const char *folder;
    char state_path[ST_PATH_MAX];
    struct st_adam adam;
    struct st_extra extra;
    struct st_average average;
    struct st_journal journal;
    struct st_journal other; /* of the training that shares the folder: held, so that it rests */
    struct st_position at;
    int64_t samples;   /* of this call */
    double began;      /* s, monotonic */
    double saved;      /* s, of the last save */
    double earlier;    /* s of training in calls before this one */
    double line_began; /* s, and steps, at the last line of the journal */
    int64_t line_step;
    struct st_terms scores; /* of the epoch in work */
    float *statistics;      /* owns these two; of the net as the step in work found it */
    int64_t *counters;
    bool stopped;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static synctalk_status save_state(struct run *r, synctalk_error *err)
{
    r->at.seconds = r->earlier + now() - r->began;
    r->at.journal_end = r->journal.size;
    synctalk_status st = st_state_save(r->state_path, r->task->net, &r->adam, &r->extra,
                                       &r->average, &r->at, r->identity, r->task->desc->kind, err);
    r->saved = now();
    return st;
}

/* A loss or gradient that is not finite, found before it reached the parameters. */
static synctalk_status diverged(const struct run *r, synctalk_error *err)
{
    char where[256];
    /* A fine-tune for bytes has a rate of its own, and no precision to choose. */
    const char *advice = r->task->desc->files                           ? "--quantize-lr"
                         : r->settings->precision == SYNCTALK_TRAIN_F32 ? "--lr"
                                                                        : "--lr or --precision f32";
    if (!st_train_net_blame(r->task->net, where, sizeof where))
        snprintf(where, sizeof where, "the loss or the running statistics");
    return st_fail(err, SYNCTALK_E_DIVERGED,
                   "epoch %" PRId64 ", step %" PRId64
                   ": not a finite number in %s; try a smaller %s; what was saved before is "
                   "unharmed",
                   r->at.epoch + 1, r->at.step + 1, where, advice);
}

static void tell_progress(const struct run *r)
{
    const int64_t of_epoch = r->task->steps * r->task->batch;
    const double losses = r->at.sums.count ? r->at.sums.at[0].value : 0;
    if (!r->callbacks || !r->callbacks->progress)
        return;
    r->callbacks->progress(
        r->callbacks->user,
        &(synctalk_progress){
            .stage = "train",
            .done = r->at.epoch * of_epoch + r->at.step * r->task->batch,
            .total = of_epoch * r->settings->epochs,
            .epoch = r->at.epoch < r->settings->epochs ? r->at.epoch + 1 : r->at.epoch,
            .epochs = r->settings->epochs,
            .loss = r->at.step ? losses / (double)r->at.step : r->at.loss,
        });
}

static void add_sums(struct st_terms *sums, const struct st_terms *losses)
{
    if (sums->count == 0) {
        *sums = *losses;
        return;
    }
    for (int i = 0; i < sums->count && i < losses->count; i++)
        sums->at[i].value += losses->at[i].value;
}

/* Means of the epoch so far. */
static struct st_terms means_of(const struct run *r)
{
    struct st_terms means = r->at.sums;
    for (int i = 0; i < means.count; i++)
        means.at[i].value /= (double)(r->at.step ? r->at.step : 1);
    return means;
}

static synctalk_status write_steps(struct run *r, const struct st_terms *losses, double lr,
                                   synctalk_error *err)
{
    const double seconds = now() - r->line_began;
    const double samples = (double)(r->at.steps - r->line_step) * r->task->batch;
    r->line_began = now();
    r->line_step = r->at.steps;
    return st_journal_write(
        &r->journal,
        json_pack("{s:s, s:I, s:I, s:I, s:f, s:f, s:o}", "event", "steps", "epoch",
                  (json_int_t)r->at.epoch + 1, "step", (json_int_t)r->at.step, "steps",
                  (json_int_t)r->at.steps, "lr", lr, "samples_per_second",
                  seconds > 0 ? samples / seconds : 0.0, "train", st_terms_json(losses)),
        err);
}

static bool ask(void *user)
{
    const struct run *r = user;
    return st_cancelled(r->callbacks);
}

/* A step of a large batch takes long, so what runs on the pool asks as well. Where it was stopped
 * the step has not been: of what is saved it has moved the statistics alone, which go back. */
static synctalk_status run_step(struct run *r, struct st_terms *losses, synctalk_error *err)
{
    struct st_train_net *net = r->task->net;
    const struct st_stop stop = {ask, r};
    const size_t statistics = st_train_net_statistic_count(net) * sizeof(float);
    const size_t counters = st_train_net_counter_count(net) * sizeof(int64_t);
    memcpy(r->statistics, st_train_net_statistics(net), statistics);
    memcpy(r->counters, st_train_net_counters(net), counters);
    st_pool_set_stop(r->pool, &stop);
    synctalk_status st = r->task->desc->step(r->task, r->at.epoch, r->at.step, losses, err);
    const bool stopped = st_pool_stopped(r->pool);
    st_pool_set_stop(r->pool, NULL);
    if (!stopped)
        return st;
    memcpy(st_train_net_statistics(net), r->statistics, statistics);
    memcpy(st_train_net_counters(net), r->counters, counters);
    return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
}

/* Likewise of the scores of an epoch, which change nothing. */
static synctalk_status measure(struct run *r, synctalk_error *err)
{
    const struct st_stop stop = {ask, r};
    st_pool_set_stop(r->pool, &stop);
    synctalk_status st = r->task->desc->measure(r->task, r->callbacks, &r->scores, err);
    const bool stopped = st_pool_stopped(r->pool);
    st_pool_set_stop(r->pool, NULL);
    return stopped ? st_fail(err, SYNCTALK_E_CANCELLED, "stopped") : st;
}

static synctalk_status take_step(struct run *r, synctalk_error *err)
{
    synctalk_status st;
    struct st_terms losses;
    struct st_train_net *net = r->task->net;
    const size_t count = st_train_net_parameter_count(net);
    const double lr =
        st_schedule_lr(r->settings, r->at.steps, r->task->steps * r->settings->epochs);

    memset(st_train_net_gradients(net), 0, count * sizeof(float));
    if (r->extra.adam.count > 0)
        memset(r->task->extra_gradients, 0, r->extra.adam.count * sizeof(float));
    if ((st = run_step(r, &losses, err)))
        return st;
    /* Statistics may overflow while the loss stays finite. */
    if (!isfinite(losses.at[0].value) ||
        !st_all_finite(r->pool, st_train_net_gradients(net), count) ||
        !st_all_finite(r->pool, r->task->extra_gradients, r->extra.adam.count) ||
        !st_all_finite(r->pool, st_train_net_statistics(net), st_train_net_statistic_count(net)))
        return diverged(r, err);
    st_adam_step(&r->adam, r->pool, st_train_net_parameters(net), st_train_net_gradients(net),
                 r->at.steps + 1, lr);
    if (r->extra.adam.count > 0)
        st_adam_step(&r->extra.adam, r->pool, r->extra.values, r->task->extra_gradients,
                     r->at.steps + 1, lr * r->task->extra_rate);
    st_average_step(&r->average, r->pool, net, r->at.steps + 1);

    add_sums(&r->at.sums, &losses);
    r->at.step++;
    r->at.steps++;
    r->samples += r->task->batch;
    tell_progress(r);
    return r->at.steps % STEPS_BETWEEN_LINES == 0 ? write_steps(r, &losses, lr, err) : SYNCTALK_OK;
}

static synctalk_status write_checkpoint(struct run *r, int64_t number, synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];
    struct st_weights *file = NULL;

    if ((st = st_path_format(path, err, "%s/%" PRId64 ".pth", r->folder, number)) ||
        (st = st_weights_create(&file, path, err)) ||
        (st = st_train_save(r->task->net, file, NULL, err)))
        goto done;
    if (r->task->desc->describe && (st = r->task->desc->describe(r->task, file, err)))
        goto done;
    st = st_weights_write_pth(file, path, NULL, NULL, true, err);
    if (!st && r->task->desc->beside)
        st = r->task->desc->beside(r->task, path, err);

done:
    st_weights_close(&file);
    return st;
}

/* A new checkpoint counts: is it the best, and is it in the list. */
static void note_checkpoint(struct run *r, int64_t number, double score)
{
    struct st_position *p = &r->at;
    p->last = number;
    if (p->best < 0 || score > p->best_score) {
        p->best = number;
        p->best_score = score;
    }
    for (int i = 0; i < p->kept_count; i++)
        if (p->kept[i] == number)
            return;
    if (p->kept_count < ST_KEPT_MAX)
        p->kept[p->kept_count++] = number;
}

/* Remove checkpoints of this run that are neither the best nor among the last. */
static void prune(struct run *r)
{
    struct st_position *p = &r->at;
    int left = 0;
    for (int i = 0; i < p->kept_count; i++) {
        char path[ST_PATH_MAX];
        const int64_t number = p->kept[i];
        if (number == p->best || i >= p->kept_count - ST_KEPT_LAST) {
            p->kept[left++] = number;
            continue;
        }
        if (!st_path_format(path, NULL, "%s/%" PRId64 ".pth", r->folder, number))
            (void)unlink(path);
        if (!st_path_format(path, NULL, "%s/%" PRId64 ".precision.json", r->folder, number))
            (void)unlink(path);
    }
    p->kept_count = left;
}

/* Pictures are no reason to stop a training: what goes wrong is only told. */
static void draw(struct run *r, int64_t number)
{
    synctalk_error why = {0};
    char path[ST_PATH_MAX];
    char title[300];

    if (r->task->desc->picture &&
        (st_path_format(path, &why, "%s/progress", r->folder) || st_make_folder(path, &why) ||
         st_path_format(path, &why, "%s/progress/%" PRId64 ".png", r->folder, number) ||
         r->task->desc->picture(r->task, path, &why)))
        st_log(r->callbacks, SYNCTALK_LOG_WARNING, "%s", why.message);
    snprintf(title, sizeof title, "%s of %s, epoch %" PRId64 " of %d", r->task->desc->kind,
             r->settings->model, r->at.epoch + 1, r->settings->epochs);
    const char *files = r->task->desc->files;
    if (st_path_format(path, &why, "%s/%s.png", r->folder, files ? files : "loss") ||
        st_chart_write(path, title, r->journal.epochs, r->journal.count, r->task->desc->score,
                       r->task->desc->unit, &why))
        st_log(r->callbacks, SYNCTALK_LOG_WARNING, "%s", why.message);
}

static double term(const struct st_terms *terms, const char *name)
{
    for (int i = 0; i < terms->count; i++)
        if (strcmp(terms->at[i].name, name) == 0)
            return terms->at[i].value;
    return NAN;
}

static synctalk_status write_epoch(struct run *r, int64_t number, const struct st_terms *losses,
                                   synctalk_error *err)
{
    const struct st_epoch epoch = {
        .epoch = r->at.epoch + 1,
        .loss = losses->at[0].value,
        .l1 = losses->count > 2 ? term(losses, "l1") : NAN, /* alone it is the loss */
        .held = term(&r->scores, "l1"),
        .score = r->at.score,
    };
    synctalk_status st = st_journal_write(
        &r->journal,
        json_pack("{s:s, s:I, s:I, s:I, s:f, s:o, s:o, s:o}", "event", "epoch", "epoch",
                  (json_int_t)epoch.epoch, "checkpoint", (json_int_t)number, "steps",
                  (json_int_t)r->at.steps, "seconds", r->earlier + now() - r->began, "score",
                  isfinite(epoch.score) ? json_real(epoch.score) : json_null(), "train",
                  st_terms_json(losses), "held_out", st_terms_json(&r->scores)),
        err);
    return st ? st : st_journal_add_epoch(&r->journal, &epoch, err);
}

static void tell_epoch(const struct run *r, int64_t number)
{
    const double seconds = now() - r->began;
    char judged[96] = "";
    if (isfinite(r->at.score))
        snprintf(judged, sizeof judged, ", %s %.2f %s (best %.2f)", r->task->desc->score,
                 r->at.score, r->task->desc->unit, r->at.best_score);
    st_log(r->callbacks, SYNCTALK_LOG_INFO,
           "epoch %" PRId64 "/%d: loss %.5f%s, %.2f samples/s, %s/%" PRId64 ".pth", r->at.epoch + 1,
           r->settings->epochs, r->at.loss, judged, seconds > 0 ? (double)r->samples / seconds : 0,
           r->folder, number);
}

/* A folder may hold a training and fine-tunes for bytes, and each may have taken numbers while the
 * other rested: whichever goes on goes on behind all of the other's that are there. Those between
 * may have been removed, so looking at the next number alone would not do. */
static synctalk_status leave_others(struct run *r, synctalk_error *err)
{
    int64_t highest;
    const int64_t next = r->at.first + r->at.epoch;
    const bool others = !r->task->desc->files; /* are what is quantised */
    synctalk_status st = st_highest_made_so(r->folder, others, next, &highest, err);
    if (st || highest < next)
        return st;
    r->at.first = highest + 1 - r->at.epoch;
    st_log(r->callbacks, SYNCTALK_LOG_INFO,
           "%s: holds checkpoints of a training beside this one, which stay; this one's next is "
           "%" PRId64,
           r->folder, highest + 1);
    return SYNCTALK_OK;
}

/* Scores, checkpoint, journal and pictures of the epoch, of the net as it stands. */
static synctalk_status judge_epoch(struct run *r, synctalk_error *err)
{
    synctalk_status st;
    const struct st_terms losses = means_of(r);

    if ((st = measure(r, err)))
        return st;
    if (r->scores.count && !isfinite(r->scores.at[0].value))
        return diverged(r, err);
    if ((st = leave_others(r, err)))
        return st;
    const int64_t number = r->at.first + r->at.epoch;
    if ((st = write_checkpoint(r, number, err)))
        return st;
    r->at.loss = losses.at[0].value;
    r->at.score = r->scores.count ? r->scores.at[0].value : NAN;
    note_checkpoint(r, number, r->scores.count ? r->at.score : -r->at.loss);
    if ((st = write_epoch(r, number, &losses, err)))
        return st;
    draw(r, number);
    tell_epoch(r, number);
    return SYNCTALK_OK;
}

/* All that follows the last step of an epoch. */
static synctalk_status finish_epoch(struct run *r, synctalk_error *err)
{
    st_average_swap(&r->average, r->task->net);
    synctalk_status st = judge_epoch(r, err);
    st_average_swap(&r->average, r->task->net);
    if (st)
        return st;
    r->at.epoch++;
    r->at.step = 0;
    r->at.sums.count = 0;
    if ((st = save_state(r, err)))
        return st;
    prune(r);
    return SYNCTALK_OK;
}

static synctalk_status loop(struct run *r, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    const synctalk_train_settings *s = r->settings;
    while (r->at.epoch < s->epochs) {
        const double seconds = now() - r->began;
        if (st_cancelled(r->callbacks)) {
            st = save_state(r, err);
            return st ? st : st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
        }
        if (s->time_limit > 0 && seconds >= 60.0 * s->time_limit) {
            r->stopped = true;
            return save_state(r, err);
        }
        if (now() - r->saved >= 60.0 * s->save_every && (st = save_state(r, err)))
            return st;
        st = r->at.step < r->task->steps ? take_step(r, err) : finish_epoch(r, err);
        if (st == SYNCTALK_E_CANCELLED) {
            synctalk_status saved = save_state(r, err);
            return saved ? saved : st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
        }
        if (st)
            return st;
    }
    return SYNCTALK_OK;
}

static synctalk_status begin_anew(struct run *r, synctalk_error *err)
{
    int64_t highest;
    synctalk_status st = st_highest_checkpoint(r->folder, &highest, err);
    if (st)
        return st;
    st_position_init(&r->at);
    r->at.first = highest + 1;
    r->at.journal_begin = r->journal.size;
    if (highest >= 0)
        st_log(r->callbacks, SYNCTALK_LOG_INFO,
               "%s: holds checkpoints of another training, which stay; this one's numbers begin "
               "at %" PRId64,
               r->folder, r->at.first);
    /* From the first moment on there is a state, so that the numbers stay the same. */
    st = st_journal_write(&r->journal,
                          json_pack("{s:s, s:O}", "event", "begin", "settings", r->identity), err);
    return st ? st : save_state(r, err);
}

static synctalk_status go_on(struct run *r, synctalk_error *err)
{
    synctalk_status st = st_state_load(r->state_path, r->task->net, &r->adam, &r->extra,
                                       &r->average, &r->at, r->identity, r->task->desc->kind, err);
    if (st)
        return st;
    if (r->at.step > r->task->steps)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: stands at step %" PRId64 " of %" PRId64,
                       r->state_path, r->at.step, r->task->steps);
    r->earlier = r->at.seconds;
    if ((st = leave_others(r, err)))
        return st;
    /* Killed between the save of an epoch and this, a run left what it no longer keeps; where
     * that epoch was the last, nothing else would ever remove it. */
    prune(r);
    st_log(r->callbacks, SYNCTALK_LOG_INFO,
           "going on after epoch %" PRId64 ", step %" PRId64 " of the next", r->at.epoch,
           r->at.step);
    return st_journal_rewind(&r->journal, r->at.journal_begin, r->at.journal_end, err);
}

static synctalk_status open_run(struct run *r, synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];

    char other[ST_PATH_MAX];
    const char *files = r->task->desc->files;

    if ((st = st_make_folder(r->folder, err)) ||
        (st = st_path_join(other, r->folder, "train.jsonl", err)) ||
        (st = st_path_format(path, err, "%s/%s.jsonl", r->folder, files ? files : "train")) ||
        (st = st_path_format(r->state_path, err, "%s/%s-state.safetensors", r->folder,
                             files ? files : "train")) ||
        (files && (st = st_journal_open(&r->other, other, err))) ||
        (st = st_journal_open(&r->journal, path, err)) ||
        (st = st_adam_open(&r->adam, st_train_net_parameter_count(r->task->net), err)) ||
        (r->task->extra_count > 0 &&
         (st = st_adam_open(&r->extra.adam, r->task->extra_count, err))) ||
        (st = st_average_open(&r->average, r->task->net, r->settings->average, err)))
        return st;
    st_sweep_folder(r->folder);
    const bool there = st_path_is_file(r->state_path);
    if (!there && r->settings->resume)
        return st_fail(err, SYNCTALK_E_MISSING, "%s: not there, so there is nothing to go on with",
                       r->state_path);
    return there && !r->settings->restart ? go_on(r, err) : begin_anew(r, err);
}

static void fill_report(const struct run *r, synctalk_train_report *report)
{
    *report = (synctalk_train_report){
        .epochs = r->at.epoch,
        .steps = r->at.steps,
        .samples = r->samples,
        .seconds = now() - r->began,
        .loss = r->at.loss,
        .score = isfinite(r->at.score) ? r->at.score : 0,
        .best_score = isfinite(r->at.score) ? r->at.best_score : 0,
        .checkpoint = r->at.last,
        .best_checkpoint = r->at.best,
        .stopped = r->stopped,
        .bytes = st_train_net_bytes(r->task->net) + r->task->bytes +
                 2 * r->adam.count * sizeof(float) + st_average_bytes(&r->average),
    };
}

synctalk_status st_run(struct st_task *task, const synctalk_train_settings *settings,
                       const char *folder, json_t *identity, struct st_pool *pool,
                       const synctalk_callbacks *callbacks, synctalk_train_report *report,
                       synctalk_error *err)
{
    struct run run = {
        .task = task,
        .settings = settings,
        .identity = identity,
        .pool = pool,
        .callbacks = callbacks,
        .folder = folder,
        .journal = {.fd = -1},
        .other = {.fd = -1},
        .extra = {.values = task->extra},
        .began = now(),
        .saved = now(),
        .line_began = now(),
    };
    synctalk_status st = SYNCTALK_OK;
    const size_t statistics = st_train_net_statistic_count(task->net) * sizeof(float);
    const size_t counters = st_train_net_counter_count(task->net) * sizeof(int64_t);
    run.statistics = malloc(statistics + 1);
    run.counters = malloc(counters + 1);
    if (!run.statistics || !run.counters)
        st = st_fail_memory(err, "a network's statistics", statistics + counters);
    if (!st)
        st = open_run(&run, err);
    if (!st) {
        run.line_step = run.at.steps;
        tell_progress(&run);
        st = loop(&run, err);
    }
    if (report && (!st || st == SYNCTALK_E_CANCELLED))
        fill_report(&run, report);
    st_adam_close(&run.adam);
    st_adam_close(&run.extra.adam);
    st_average_close(&run.average);
    st_journal_close(&run.journal);
    st_journal_close(&run.other);
    free(run.statistics);
    free(run.counters);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "console.h"
#include "stats.h"

#define PLAIN_PERIOD 5.0    /* seconds between lines off a terminal */
#define TERMINAL_PERIOD 0.1 /* seconds between two states of the line */
#define BAR_MAX 40
#define BAR_MIN 8
#define RATE_AFTER 0.5 /* seconds of a stage before its speed means something */

static double seconds_left(const struct progress_view *view)
{
    if (view->rate <= 0 || view->total <= 0 || view->done > view->total)
        return -1;
    return (double)(view->total - view->done) / view->rate;
}

static void format_clock(char *buf, size_t size, double seconds)
{
    long whole = seconds < 359999 ? (long)(seconds + 0.5) : 359999;
    if (whole >= 3600)
        snprintf(buf, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(buf, size, "%ld:%02ld", whole / 60, whole % 60);
}

/* "312/523  18.3 fps  0.73x  ETA 0:11" */
static void format_numbers(char *buf, size_t size, const struct progress_view *view)
{
    int used = 0;
    if (view->total > 0)
        used = snprintf(buf, size, "%lld/%lld", (long long)view->done, (long long)view->total);
    else
        used = snprintf(buf, size, "%lld", (long long)view->done);
    if (view->rate > 0 && view->fps > 0 && used > 0 && (size_t)used < size)
        used += snprintf(buf + used, size - (size_t)used, "  %.1f fps  %.2fx", view->rate,
                         view->rate / view->fps);
    if (view->epochs > 0 && view->rate > 0 && used > 0 && (size_t)used < size)
        used += snprintf(buf + used, size - (size_t)used, "  %.2f samples/s", view->rate);
    if (view->epochs > 0 && used > 0 && (size_t)used < size)
        used += snprintf(buf + used, size - (size_t)used, "  epoch %lld/%lld  loss %.5f",
                         (long long)view->epoch, (long long)view->epochs, view->loss);
    double left = seconds_left(view);
    if (left >= 0 && used > 0 && (size_t)used < size) {
        char clock[32];
        format_clock(clock, sizeof clock, left);
        snprintf(buf + used, size - (size_t)used, "  ETA %s", clock);
    }
}

static void format_bar(char *buf, size_t size, int columns, const struct progress_view *view)
{
    int cells = columns - 2;
    int64_t done = view->done < view->total ? view->done : view->total;
    int filled = (int)((double)cells * (double)done / (double)view->total);
    if ((size_t)columns + 1 > size)
        return;
    buf[0] = '[';
    for (int i = 0; i < cells; i++)
        buf[1 + i] = i < filled ? '#' : '.';
    buf[columns - 1] = ']';
    buf[columns] = '\0';
}

void progress_format(char *buf, size_t size, int width, const struct progress_view *view)
{
    char head[64];
    char numbers[128];
    char bar[BAR_MAX + 1] = "";

    if (view->items > 1)
        snprintf(head, sizeof head, "%zu/%zu %-8s", view->item, view->items, view->stage);
    else
        snprintf(head, sizeof head, "%-8s", view->stage);
    format_numbers(numbers, sizeof numbers, view);

    /* The last column stays free: some terminals wrap when it is written. */
    int room = width - 1 - (int)strlen(head) - (int)strlen(numbers) - 3;
    if (view->total > 0 && room >= BAR_MIN)
        format_bar(bar, sizeof bar, room < BAR_MAX ? room : BAR_MAX, view);
    snprintf(buf, size, "%s %s%s%s", head, bar, *bar ? "  " : "", numbers);
    if (width > 0 && strlen(buf) > (size_t)width - 1)
        buf[width - 1] = '\0';
}

static int terminal_width(void)
{
    struct winsize window;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
        return window.ws_col;
    return 80;
}

static void show_terminal(struct progress *progress, const struct progress_view *view)
{
    char line[512];
    int width = terminal_width();
    progress_format(line, sizeof line, width < (int)sizeof line ? width : (int)sizeof line, view);
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    progress->line_shown = true;
}

static void show_plain(const struct progress *progress, const struct progress_view *view)
{
    char numbers[128];
    format_numbers(numbers, sizeof numbers, view);
    if (view->items > 1)
        fprintf(stderr, "synctalk %s: %zu/%zu %s %s\n", progress->command, view->item, view->items,
                view->stage, numbers);
    else
        fprintf(stderr, "synctalk %s: %s %s\n", progress->command, view->stage, numbers);
}

static void set_number(json_t *object, const char *key, bool known, double value)
{
    json_object_set_new(object, key, known ? json_real(value) : json_null());
}

static void show_json(const struct progress_view *view)
{
    json_t *object = json_object();
    double left = seconds_left(view);
    bool frames = view->fps > 0 && view->rate > 0;
    json_object_set_new(object, "event", json_string("progress"));
    json_object_set_new(object, "stage", json_clean(view->stage));
    json_object_set_new(object, "done", json_integer(view->done));
    json_object_set_new(object, "total", view->total > 0 ? json_integer(view->total) : json_null());
    json_object_set_new(object, "seconds", json_real(view->seconds));
    set_number(object, "fps", frames, view->rate);
    set_number(object, "realtime", frames, frames ? view->rate / view->fps : 0);
    set_number(object, "eta", left >= 0, left);
    if (view->epochs > 0) {
        json_object_set_new(object, "epoch", json_integer(view->epoch));
        json_object_set_new(object, "epochs", json_integer(view->epochs));
        set_number(object, "loss", true, view->loss);
        set_number(object, "samples_per_second", view->rate > 0, view->rate);
    }
    print_json_line(stderr, object);
}

static void measure(const struct progress *progress, const synctalk_progress *now,
                    struct progress_view *view)
{
    double seconds = now_seconds() - progress->stage_began;
    int64_t units = now->done - progress->stage_first;
    *view = (struct progress_view){
        .stage = now->stage,
        .item = progress->item,
        .items = progress->items,
        .done = now->done,
        .total = now->total,
        .fps = now->fps,
        .epoch = now->epoch,
        .epochs = now->epochs,
        .loss = now->loss,
        .seconds = seconds,
        .rate = seconds >= RATE_AFTER && units > 0 ? (double)units / seconds : 0,
    };
}

static void on_progress(void *user, const synctalk_progress *now)
{
    struct progress *progress = user;
    struct progress_view view;
    double time = now_seconds();
    bool new_stage = !progress->stage || strcmp(progress->stage, now->stage) != 0 ||
                     now->done < progress->stage_first;
    bool stage_ends = now->total > 0 && now->done >= now->total;

    if (new_stage) {
        progress->stage = now->stage;
        progress->stage_began = time;
        progress->stage_first = now->done;
    }
    double period = progress->kind == PROGRESS_PLAIN ? PLAIN_PERIOD : TERMINAL_PERIOD;
    bool due = time - progress->last_printed >= period;
    if (progress->kind != PROGRESS_PLAIN)
        due = due || new_stage || stage_ends;
    if (!due)
        return;

    progress->last_printed = time;
    measure(progress, now, &view);
    if (progress->kind == PROGRESS_TERMINAL)
        show_terminal(progress, &view);
    else if (progress->kind == PROGRESS_PLAIN)
        show_plain(progress, &view);
    else if (progress->kind == PROGRESS_JSON)
        show_json(&view);
}

static int on_cancelled(void *user)
{
    (void)user;
    return interruption_seen();
}

static void on_log(void *user, synctalk_log_level level, const char *message)
{
    static const char *const names[] = {"warning", "info", "debug"};
    struct progress *progress = user;
    const char *name = (unsigned)level < 3 ? names[level] : "debug";
    if (progress->quiet || (level >= SYNCTALK_LOG_DEBUG && !progress->verbose))
        return;
    if (progress->kind == PROGRESS_JSON) {
        json_t *object = json_object();
        json_object_set_new(object, "event", json_string("log"));
        json_object_set_new(object, "level", json_string(name));
        json_object_set_new(object, "message", json_clean(message));
        print_json_line(stderr, object);
        return;
    }
    progress_end(progress);
    say(progress->command, "%s%s", level == SYNCTALK_LOG_WARNING ? "warning: " : "", message);
}

static void on_stats(void *user, const synctalk_stats *stats)
{
    struct progress *progress = user;
    progress_end(progress);
    stats_print(stats, progress->kind == PROGRESS_JSON);
}

void progress_tell_stats(struct progress *progress)
{
    progress->callbacks.stats = on_stats;
}

void progress_begin(struct progress *progress, const struct args *args)
{
    const char *terminal = getenv("TERM");
    bool moves = isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;

    *progress = (struct progress){
        .command = args->command->name,
        .kind = (enum progress_kind)args_choice(args, "progress"),
        .quiet = args_flag(args, "quiet"),
        .verbose = args_flag(args, "verbose"),
        .last_printed = now_seconds(),
    };
    if (progress->kind == PROGRESS_AUTO)
        progress->kind = progress->quiet ? PROGRESS_NONE
                         : moves         ? PROGRESS_TERMINAL
                                         : PROGRESS_PLAIN;
    progress->callbacks = (synctalk_callbacks){
        .user = progress, .progress = on_progress, .cancelled = on_cancelled, .log = on_log};
    interruption_catch();
}

void progress_item(struct progress *progress, size_t item, size_t items, const char *audio,
                   const char *output)
{
    progress->item = item;
    progress->items = items;
    progress->stage = NULL;
    if (progress->kind == PROGRESS_JSON) {
        json_t *object = json_object();
        json_object_set_new(object, "event", json_string("item"));
        json_object_set_new(object, "item", json_integer((json_int_t)item));
        json_object_set_new(object, "items", json_integer((json_int_t)items));
        json_object_set_new(object, "audio", json_clean(audio));
        json_object_set_new(object, "output", json_clean(output));
        print_json_line(stderr, object);
    } else if (items > 1 && !progress->quiet) {
        progress_end(progress);
        say(progress->command, "%zu/%zu %s -> %s", item, items, audio, output);
    }
}

void progress_failure(struct progress *progress, const char *message)
{
    progress_end(progress);
    if (progress->kind == PROGRESS_JSON) {
        json_t *object = json_object();
        json_object_set_new(object, "event", json_string("error"));
        json_object_set_new(object, "message", json_clean(message));
        print_json_line(stderr, object);
        return;
    }
    say(progress->command, "%s", message);
}

void progress_end(struct progress *progress)
{
    if (!progress->line_shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->line_shown = false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine offers, as pairs of name and value. */
#include "synctalk/machine.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "kernels/kernels.h"
#include "kernels/train.h"
#include "media/versions.h"
#include "nn/version.h"
#include "onnx/onnx.h"

unsigned synctalk_machine_cpu(void)
{
    return st_cpu_flags();
}

/* The text after "KEY ... :" on the first such line of a file below /proc; false where
 * there is none. */
static bool proc_value(const char *path, const char *key, char *buf, size_t size)
{
    char line[512];
    bool found = false;
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    while (!found && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, key, strlen(key)) != 0)
            continue;
        char *value = colon + 1 + strspn(colon + 1, " \t");
        value[strcspn(value, "\n")] = '\0';
        snprintf(buf, size, "%s", value);
        found = true;
    }
    fclose(file);
    return found;
}

static void describe_flags(char *buf, size_t size, unsigned flags)
{
    static const struct {
        unsigned flag;
        const char *name;
    } rows[] = {
        {SYNCTALK_CPU_AVX2, "AVX2"}, {SYNCTALK_CPU_AVX512, "AVX-512"}, {SYNCTALK_CPU_VNNI, "VNNI"},
        {SYNCTALK_CPU_BF16, "BF16"}, {SYNCTALK_CPU_AMX, "AMX"},
    };
    size_t used = 0;
    snprintf(buf, size, "none");
    for (size_t i = 0; i < sizeof rows / sizeof *rows && used < size; i++)
        if (flags & rows[i].flag)
            used +=
                (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "", rows[i].name);
}

static void describe_cpu(unsigned cpu_mask, synctalk_machine_fact fact, void *user)
{
    char value[256];
    if (proc_value("/proc/cpuinfo", "model name", value, sizeof value))
        fact(user, "CPU", value);
    snprintf(value, sizeof value, "%d", st_cpu_cores());
    fact(user, "cores for this process", value);
    describe_flags(value, sizeof value, st_cpu_flags());
    fact(user, "instruction sets", value);
    if (st_cpu_flags() & ~cpu_mask) {
        describe_flags(value, sizeof value, st_cpu_flags() & cpu_mask);
        fact(user, "instruction sets allowed", value);
    }
}

/* Those of bf16 only where training uses it. */
static void describe_training_kernels(unsigned flags, synctalk_machine_fact fact, void *user)
{
    struct st_train_kernels f32;
    struct st_train_kernels bf16;
    const char *entry = NULL;
    const bool narrow = (flags & SYNCTALK_CPU_BF16) != 0;
    st_train_kernels_init(&f32, flags, ST_TRAIN_ELEMENT_F32, flags & SYNCTALK_CPU_AVX512 ? 16 : 8);
    st_train_kernels_init(&bf16, flags, ST_TRAIN_ELEMENT_BF16, 16);
    for (size_t i = 0; (entry = st_train_kernels_entry(i)); i++) {
        char name[64];
        char value[64];
        snprintf(name, sizeof name, "kernel train_%s", entry);
        snprintf(value, sizeof value, "%s%s%s", f32.variant, narrow ? ", bf16 " : "",
                 narrow ? bf16.variant : "");
        fact(user, name, value);
    }
}

static void describe_kernels(unsigned cpu_mask, synctalk_machine_fact fact, void *user)
{
    struct st_kernels kernels;
    const char *entry = NULL;
    st_kernels_init(&kernels, cpu_mask);
    for (size_t i = 0; (entry = st_kernels_entry(i)); i++) {
        char name[64];
        snprintf(name, sizeof name, "kernel %s", entry);
        fact(user, name, st_kernels_variant(&kernels, i));
    }
    describe_training_kernels(kernels.flags, fact, user);
}

static void describe_memory(synctalk_machine_fact fact, void *user)
{
    char value[256];
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page_bytes > 0) {
        snprintf(value, sizeof value, "%.1f GB", (double)pages * (double)page_bytes * 1e-9);
        fact(user, "memory", value);
    }
    unsigned long long free_kb = 0;
    if (proc_value("/proc/meminfo", "MemAvailable", value, sizeof value) &&
        sscanf(value, "%llu", &free_kb) == 1) { /* NOLINT(cert-err34-c): the kernel's own */
        snprintf(value, sizeof value, "%.1f GB", (double)free_kb * 1024e-9);
        fact(user, "memory available", value);
    }
}

static void describe_libraries(synctalk_machine_fact fact, void *user)
{
    char value[128];
    const char *name = NULL;
    fact(user, "oneDNN", st_nn_version(value, sizeof value));
    for (size_t i = 0; (name = st_media_version(i, value, sizeof value)); i++)
        fact(user, name, value);
    fact(user, "licence of libavcodec", st_media_licence());
    fact(user, "H.264 encoder", st_media_has_encoder("libx264") ? "libx264" : "none");
    fact(user, "libjpeg-turbo", ST_TURBOJPEG_VERSION);
}

void synctalk_machine_describe(unsigned cpu_mask, synctalk_machine_fact fact, void *user)
{
    describe_cpu(cpu_mask, fact, user);
    describe_kernels(cpu_mask, fact, user);
    describe_memory(fact, user);
    describe_libraries(fact, user);
}

synctalk_status synctalk_machine_load_onnxruntime(const char *library, char *text, size_t size,
                                                  synctalk_error *err)
{
    char version[512];
    synctalk_status st = st_onnx_version(version, sizeof version, library, err);
    if (!st && text && size > 0)
        snprintf(text, size, "%s", version);
    return st;
}

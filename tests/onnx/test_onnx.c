/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of ONNX Runtime on networks that are written here, and what goes wrong. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "onnx/library.h"
#include "onnx/onnx.h"
#include "onnx/onnx_support.h"
#include "support/support.h"
#include "weights/onnx_writer.h"

static char *scratch;

static const char *scratch_path(const char *name)
{
    static char path[ST_PATH_MAX];
    synctalk_error why;
    assert_int_equal(st_path_join(path, scratch, name, &why), SYNCTALK_OK);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    scratch = st_scratch_create();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    st_scratch_remove(scratch);
    return 0;
}

static const struct st_onnx_settings two_threads = {.purpose = "to test", .threads = 2};

/* sum = x + w, product = x * w, of [N, 2, 3]. */
static const char *write_network(void)
{
    static const float w[6] = {1, 2, 3, 4, 5, 6};
    const char *path = scratch_path("small.onnx");
    const char *const inputs[] = {"x", "w", NULL};
    const struct st_onnx_attribute none[] = {{.name = NULL}};
    struct st_onnx *onnx = NULL;
    ST_OK(st_onnx_create(&onnx, "small", err));
    st_onnx_input(onnx, "x", 2, (size_t[]){2, 3});
    st_onnx_tensor(onnx, "w", 2, (size_t[]){2, 3}, w);
    st_onnx_node(onnx, "Add", "sum", inputs, none);
    st_onnx_node(onnx, "Mul", "product", inputs, none);
    st_onnx_output(onnx, "sum", 2, (size_t[]){2, 3});
    st_onnx_output(onnx, "product", 2, (size_t[]){2, 3});
    ST_OK(st_onnx_write(onnx, path, true, err));
    st_onnx_destroy(&onnx);
    return path;
}

static void test_ports_and_values(void **state)
{
    (void)state;
    ST_NEED_ONNX_RUNTIME();
    struct st_onnx_session *session = NULL;
    ST_OK(st_onnx_open(&session, write_network(), &two_threads, err));

    assert_int_equal(st_onnx_input_count(session), 1);
    assert_int_equal(st_onnx_output_count(session), 2);
    const struct st_onnx_port *port = st_onnx_input_port(session, 0);
    assert_string_equal(port->name, "x");
    assert_int_equal(port->type, ST_ONNX_F32);
    assert_int_equal(port->rank, 3);
    assert_int_equal(port->dims[0], -1);
    assert_int_equal(port->dims[1], 2);
    assert_int_equal(port->dims[2], 3);
    assert_string_equal(st_onnx_output_port(session, 1)->name, "product");

    /* The second run has another batch than the first. */
    for (int64_t batch = 1; batch <= 2; batch++) {
        float x[12];
        for (int i = 0; i < 12; i++)
            x[i] = (float)i;
        const struct st_onnx_tensor in = {ST_ONNX_F32, 3, {batch, 2, 3}, x};
        struct st_onnx_tensor out[2];
        ST_OK(st_onnx_run(session, &in, out, err));
        for (int k = 0; k < 2; k++) {
            assert_int_equal(out[k].type, ST_ONNX_F32);
            assert_int_equal(out[k].rank, 3);
            assert_int_equal(out[k].dims[0], batch);
            assert_int_equal(out[k].dims[1], 2);
            assert_int_equal(out[k].dims[2], 3);
        }
        for (int i = 0; i < 6 * batch; i++) {
            float w = (float)(i % 6 + 1);
            assert_float_equal(((const float *)out[0].data)[i], x[i] + w, 0);
            assert_float_equal(((const float *)out[1].data)[i], x[i] * w, 0);
        }
    }
    st_onnx_close(&session);
    assert_null(session);
    st_onnx_close(&session);
}

static void test_two_sessions_end_in_any_order(void **state)
{
    (void)state;
    ST_NEED_ONNX_RUNTIME();
    float x[6] = {0};
    const struct st_onnx_tensor in = {ST_ONNX_F32, 3, {1, 2, 3}, x};
    struct st_onnx_tensor out[2];
    for (int round = 0; round < 2; round++) {
        struct st_onnx_session *first = NULL;
        struct st_onnx_session *second = NULL;
        const char *path = write_network();
        ST_OK(st_onnx_open(&first, path, &two_threads, err));
        ST_OK(st_onnx_open(&second, path, &two_threads, err));
        st_onnx_close(&first);
        ST_OK(st_onnx_run(second, &in, out, err));
        assert_float_equal(((const float *)out[0].data)[5], 6, 0);
        st_onnx_close(&second);
    }
}

static void test_a_wrong_input_is_a_sentence(void **state)
{
    (void)state;
    ST_NEED_ONNX_RUNTIME();
    struct st_onnx_session *session = NULL;
    float x[8] = {0};
    struct st_onnx_tensor out[2];
    synctalk_error why = {0};
    ST_OK(st_onnx_open(&session, write_network(), &two_threads, err));

    const struct st_onnx_tensor wide = {ST_ONNX_F32, 3, {1, 2, 4}, x};
    assert_int_equal(st_onnx_run(session, &wide, out, &why), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "small.onnx: the network does not run: "));
    assert_null(strchr(why.message, '\n'));
    const struct st_onnx_tensor huge = {ST_ONNX_F32, 3, {1, INT64_MAX, INT64_MAX}, x};
    assert_int_equal(st_onnx_run(session, &huge, out, &why), SYNCTALK_E_ARG);
    const struct st_onnx_tensor negative = {ST_ONNX_F32, 3, {1, -1, 3}, x};
    assert_int_equal(st_onnx_run(session, &negative, out, &why), SYNCTALK_E_ARG);
    const struct st_onnx_tensor unknown = {99, 3, {1, 2, 3}, x};
    assert_int_equal(st_onnx_run(session, &unknown, out, &why), SYNCTALK_E_ARG);

    const struct st_onnx_tensor good = {ST_ONNX_F32, 3, {1, 2, 3}, x};
    ST_OK(st_onnx_run(session, &good, out, err));
    assert_float_equal(((const float *)out[0].data)[2], 3, 0);
    st_onnx_close(&session);
}

/* Files that are no networks, and that nothing is printed about them: the library must leave
 * standard error to the command. */
static void test_bad_files(void **state)
{
    (void)state;
    ST_NEED_ONNX_RUNTIME();
    static unsigned char noise[5000];
    uint64_t seed = 7;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (unsigned char)st_random_next(&seed);
    char *quiet = strdup(scratch_path("stderr"));
    struct st_onnx_session *session = NULL;
    struct st_mapping whole;
    synctalk_error why = {0};

    ST_OK(st_map_file(&whole, write_network(), err));
    st_write_file(scratch_path("noise.onnx"), noise, sizeof noise);
    st_write_file(scratch_path("cut.onnx"), whole.data, whole.size / 2);
    st_write_file(scratch_path("empty.onnx"), "", 0);
    st_unmap_file(&whole);

    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    int fd = open(quiet, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(saved >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    synctalk_status noisy = st_onnx_open(&session, scratch_path("noise.onnx"), &two_threads, &why);
    synctalk_status cut = st_onnx_open(&session, scratch_path("cut.onnx"), &two_threads, NULL);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fd);

    struct stat info;
    assert_int_equal(stat(quiet, &info), 0);
    assert_int_equal(info.st_size, 0);
    assert_int_equal(noisy, SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "noise.onnx: not a network that ONNX Runtime reads: "));
    assert_int_equal(cut, SYNCTALK_E_FORMAT);
    assert_null(session);

    assert_int_equal(st_onnx_open(&session, scratch_path("empty.onnx"), &two_threads, &why),
                     SYNCTALK_E_FORMAT);
    assert_non_null(strstr(why.message, "empty.onnx: the file is empty"));
    assert_int_equal(st_onnx_open(&session, scratch_path("absent.onnx"), &two_threads, &why),
                     SYNCTALK_E_MISSING);
    assert_non_null(strstr(why.message, "absent.onnx"));
    assert_int_equal(st_onnx_open(&session, scratch, &two_threads, &why) != SYNCTALK_OK, 1);
    free(quiet);
}

static void test_library_that_is_not_there(void **state)
{
    (void)state;
    struct st_onnx_session *session = NULL;
    synctalk_error why = {0};
    const struct st_onnx_settings settings = {
        .library = "/nowhere/libonnxruntime.so.1", .purpose = "to find faces", .threads = 1};
    assert_int_equal(st_onnx_open(&session, write_network(), &settings, &why),
                     SYNCTALK_E_UNSUPPORTED);
    assert_string_equal(why.message,
                        "ONNX Runtime, needed to find faces, is not there: run \"make setup-onnx\" "
                        "(looked for /nowhere/libonnxruntime.so.1)");
    char version[64];
    assert_int_equal(st_onnx_version(version, sizeof version, settings.library, &why),
                     SYNCTALK_E_UNSUPPORTED);
    assert_string_equal(why.message, "ONNX Runtime is not there: run \"make setup-onnx\" (looked "
                                     "for /nowhere/libonnxruntime.so.1)");

    struct st_onnx_library library = {0};
    const char *const places[] = {"/a/b.so", "/c/d.so", "libst-none.so.9", NULL};
    assert_int_equal(st_onnx_library_search(&library, places, NULL, &why), SYNCTALK_E_UNSUPPORTED);
    assert_non_null(strstr(why.message, "(looked for /a/b.so, /c/d.so and libst-none.so.9)"));
}

static void test_library_that_is_another(void **state)
{
    (void)state;
    struct st_onnx_library library = {0};
    synctalk_error why = {0};
    const char *text = scratch_path("libonnxruntime.so.1");
    st_write_file(text, "no library", 10);
    const char *const wrong[] = {text, "/nowhere/x.so", NULL};
    assert_int_equal(st_onnx_library_search(&library, wrong, NULL, &why), SYNCTALK_E_UNSUPPORTED);
    assert_non_null(strstr(why.message, "libonnxruntime.so.1 cannot be used as ONNX Runtime: "));
    const char *const other[] = {"libc.so.6", NULL};
    assert_int_equal(st_onnx_library_search(&library, other, NULL, &why), SYNCTALK_E_UNSUPPORTED);
    assert_string_equal(why.message,
                        "libc.so.6 cannot be used as ONNX Runtime: it has no OrtGetApiBase");

    ST_NEED_ONNX_RUNTIME();
    struct st_onnx_library right = {0};
    ST_OK(st_onnx_library_open(&right, NULL, NULL, err));
    const char *const then[] = {text, right.path, NULL};
    ST_OK(st_onnx_library_search(&library, then, NULL, err));
    assert_string_equal(library.version, right.version);
    st_onnx_library_close(&library);
    st_onnx_library_close(&right);
}

static const char *old_runtime; /* path, from the command line */

static void test_library_that_is_too_old(void **state)
{
    (void)state;
    struct st_onnx_library library = {0};
    synctalk_error why = {0};
    if (!old_runtime)
        skip();
    assert_int_equal(st_onnx_library_open(&library, old_runtime, NULL, &why),
                     SYNCTALK_E_UNSUPPORTED);
    assert_non_null(strstr(why.message, " is ONNX Runtime 1.4.0; 1.11 or later is needed: run "
                                        "\"make setup-onnx\""));
    assert_null(library.handle);
}

static void test_version(void **state)
{
    (void)state;
    ST_NEED_ONNX_RUNTIME();
    char version[512];
    int major = 0;
    int minor = 0;
    int used = 0;
    ST_OK(st_onnx_version(version, sizeof version, NULL, err));
    assert_int_equal(sscanf(version, "%d.%d.%*d from %n", &major, &minor, &used), 2);
    assert_true(used > 0 && version[used] != '\0');
    assert_true(major > 1 || minor >= 11);
}

int main(int argc, char **argv)
{
    old_runtime = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports_and_values),
        cmocka_unit_test(test_two_sessions_end_in_any_order),
        cmocka_unit_test(test_a_wrong_input_is_a_sentence),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_library_that_is_not_there),
        cmocka_unit_test(test_library_that_is_another),
        cmocka_unit_test(test_library_that_is_too_old),
        cmocka_unit_test(test_version),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

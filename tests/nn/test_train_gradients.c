/* SPDX-License-Identifier: Apache-2.0 */
/* Every backward against central differences in double: each network is small, has odd
 * sizes, and is there for one kind of layer or one way in which layers meet.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/train_graph.h"

#define STEP 1e-6
#define PROBES 4      /* of each tensor */
#define BOUND 1e-4    /* of the tensor's greatest gradient */
#define SMALLEST 2e-5 /* rounding of sums whose value is zero */

static unsigned cpu_mask = ~0U;

static void pointwise(struct graph *g)
{
    int x = graph_input(g, 5, 6, 7);
    graph_output(g, graph_conv(g, x, 18, 1, 1, 1, 0, false), ST_TRAIN_PLAIN);
}

static void dense_with_unequal_strides(struct graph *g)
{
    int x = graph_input(g, 3, 9, 8);
    x = graph_conv(g, x, 7, 3, 3, 1, 1, true);
    graph_output(g, graph_conv(g, x, 4, 3, 1, 2, 1, true), ST_TRAIN_PLAIN);
}

static void large_kernels(struct graph *g)
{
    int x = graph_conv(g, graph_input(g, 3, 10, 10), 5, 7, 1, 1, 3, true);
    graph_output(g, graph_conv(g, x, 6, 5, 2, 2, 1, true), ST_TRAIN_PLAIN);
}

static void wide_padding(struct graph *g)
{
    int x = graph_conv(g, graph_input(g, 4, 6, 6), 17, 3, 2, 2, 3, true);
    x = graph_conv(g, x, 6, 3, 2, 2, 2, true);
    graph_output(g, graph_conv(g, x, 3, 1, 1, 1, 1, true), ST_TRAIN_PLAIN);
}

static void depthwise_alone(struct graph *g)
{
    int x = graph_depthwise(g, graph_input(g, 19, 7, 5), 1);
    x = graph_depthwise(g, x, 2);
    graph_output(g, graph_depthwise(g, x, 2), ST_TRAIN_PLAIN);
}

static void depthwise_on_even_sizes(struct graph *g)
{
    int x = graph_depthwise(g, graph_input(g, 4, 8, 6), 2);
    graph_output(g, graph_depthwise(g, x, 1), ST_TRAIN_PLAIN);
}

static int inverted(struct graph *g, int x, int channels, int stride, float slope, bool residual)
{
    int y =
        graph_norm(g, graph_conv(g, x, 2 * g->ops[x].C, 1, 1, 1, 0, false), slope, ST_TRAIN_NONE);
    y = graph_norm(g, graph_depthwise(g, y, stride), slope, ST_TRAIN_NONE);
    y = graph_conv(g, y, channels, 1, 1, 1, 0, false);
    return graph_norm(g, y, 1, residual ? x : ST_TRAIN_NONE);
}

static void inverted_residuals(struct graph *g)
{
    int x = inverted(g, graph_input(g, 6, 7, 6), 9, 2, 0, false);
    x = inverted(g, x, 9, 1, 0, true);
    graph_output(g, inverted(g, x, 9, 1, 0, true), ST_TRAIN_PLAIN);
}

static void norms_that_are_not_fused(struct graph *g)
{
    int x = inverted(g, graph_input(g, 6, 5, 6), 5, 1, 0.01F, false);
    graph_output(g, inverted(g, x, 5, 2, 1, false), ST_TRAIN_PLAIN);
}

static void residual_before_the_activation(struct graph *g)
{
    int x = graph_norm(g, graph_conv(g, graph_input(g, 4, 6, 5), 6, 3, 1, 1, 1, true), 0.01F,
                       ST_TRAIN_NONE);
    for (int i = 0; i < 2; i++)
        x = graph_norm(g, graph_conv(g, x, 6, 3, 1, 1, 1, true), i ? 0 : 0.01F, x);
    graph_output(g, x, ST_TRAIN_PLAIN);
}

static void activation_and_pool(struct graph *g)
{
    int x = graph_activation(g, graph_conv(g, graph_input(g, 3, 6, 8), 5, 3, 1, 1, 1, true), 0);
    x = graph_activation(g, graph_conv(g, graph_pool(g, x), 4, 3, 1, 1, 1, true), 0.2F);
    graph_output(g, x, ST_TRAIN_PLAIN);
}

/* The held value is read before the concat, and so has two writers of its gradient. */
static void upsample_and_concat(struct graph *g)
{
    int x = graph_norm(g, graph_conv(g, graph_input(g, 3, 6, 8), 7, 1, 1, 1, 0, false), 0,
                       ST_TRAIN_NONE);
    int y = graph_norm(g, graph_conv(g, x, 16, 3, 2, 2, 1, false), 0, ST_TRAIN_NONE);
    y = graph_concat(g, graph_upsample(g, y), x);
    graph_output(g, graph_conv(g, y, 5, 1, 1, 1, 0, true), ST_TRAIN_PLAIN);
}

static void many_readers(struct graph *g)
{
    int x = graph_input(g, 4, 6, 6);
    int a = graph_norm(g, graph_conv(g, x, 4, 3, 1, 1, 1, false), 0, x);
    int b = graph_activation(g, a, 0.3F);
    int c = graph_norm(g, graph_conv(g, a, 4, 3, 1, 1, 1, false), 0, b);
    graph_output(g, a, ST_TRAIN_PLAIN);
    graph_output(g, graph_depthwise(g, a, 2), ST_TRAIN_PLAIN);
    graph_output(g, graph_pool(g, a), ST_TRAIN_PLAIN);
    graph_output(g, graph_conv(g, graph_upsample(g, c), 2, 1, 1, 1, 0, true), ST_TRAIN_PLAIN);
}

static void endings(struct graph *g)
{
    int x = graph_conv(g, graph_input(g, 4, 3, 4), 5, 1, 1, 1, 0, true);
    graph_output(g, x, ST_TRAIN_SIGMOID);
    graph_output(g, x, ST_TRAIN_UNIT);
    graph_output(g, graph_conv(g, x, 3, 1, 1, 1, 0, true), ST_TRAIN_SIGMOID);
}

/* What no output depends on has no gradient, and stands in nobody's way. */
static void unread_values(struct graph *g)
{
    int x = graph_input(g, 4, 5, 5);
    int y = graph_norm(g, graph_conv(g, x, 4, 3, 1, 1, 1, false), 0, ST_TRAIN_NONE);
    graph_norm(g, graph_conv(g, y, 4, 3, 1, 1, 1, false), 0, y);
    graph_output(g, y, ST_TRAIN_PLAIN);
}

static const struct {
    const char *name;
    void (*build)(struct graph *g);
} networks[] = {
#define NETWORK(name) \
    {                 \
#name, name   \
    }
    NETWORK(pointwise),
    NETWORK(dense_with_unequal_strides),
    NETWORK(large_kernels),
    NETWORK(wide_padding),
    NETWORK(depthwise_alone),
    NETWORK(depthwise_on_even_sizes),
    NETWORK(inverted_residuals),
    NETWORK(norms_that_are_not_fused),
    NETWORK(residual_before_the_activation),
    NETWORK(activation_and_pool),
    NETWORK(upsample_and_concat),
    NETWORK(many_readers),
    NETWORK(endings),
    NETWORK(unread_values),
#undef NETWORK
};
#define NETWORKS (sizeof networks / sizeof *networks)

static double difference(struct graph *g, double *at, enum st_train_mode mode)
{
    double before = *at;
    *at = before + STEP;
    double up = graph_loss(g, mode);
    *at = before - STEP;
    double down = graph_loss(g, mode);
    *at = before;
    return (up - down) / (2 * STEP);
}

static void probe(struct graph *g, const char *network, const char *name, double *values,
                  const float *gradient, size_t count, enum st_train_mode mode)
{
    double greatest = 0;
    for (size_t i = 0; i < count; i++)
        greatest = fmax(greatest, fabs((double)gradient[i]));
    size_t step = count / PROBES | 1; /* odd, so that channels and places change */
    for (size_t i = 0; i < count; i += step) {
        double want = difference(g, &values[i], mode);
        greatest = fmax(greatest, fabs(want));
        if (!(fabs(want - (double)gradient[i]) <= BOUND * greatest + SMALLEST))
            fail_msg("%s: gradient of %s, element %zu is %g, differences give %g", network, name, i,
                     (double)gradient[i], want);
    }
}

static void check_network(size_t which, enum st_train_mode mode)
{
    struct st_test_net t;
    struct graph g = {.N = 3};
    st_test_net_open(&t, cpu_mask, 2, g.N, ST_TRAIN_F32, false);
    g.net = t.net;
    networks[which].build(&g);
    graph_begin(&g, 3 + which);

    double loss = 0, want = graph_loss(&g, mode);
    ST_OK(st_train_net_forward(t.net, g.N, mode, err));
    for (int o = 0; o < st_train_net_output_count(t.net); o++)
        for (size_t i = 0; i < (size_t)g.N * st_train_net_output_size(t.net, o); i++)
            loss += g.weights[o][i] * (double)st_train_net_output(t.net, o)[i];
    if (!(fabs(loss - want) <= 1e-4 * (1 + fabs(want))))
        fail_msg("%s: forward gives %g, should be %g", networks[which].name, loss, want);

    ST_OK(st_train_net_backward(t.net, err));
    size_t count;
    const struct st_train_tensor *tensors = st_train_net_tensors(t.net, &count);
    for (size_t i = 0; i < count; i++)
        if (tensors[i].kind <= ST_TRAIN_BETA)
            probe(&g, networks[which].name, tensors[i].name, g.parameters + tensors[i].offset,
                  st_train_net_gradients(t.net) + tensors[i].offset, tensors[i].count, mode);
    for (int i = 0; i < st_train_net_input_count(t.net); i++)
        probe(&g, networks[which].name, "an input", g.inputs[i],
              st_train_net_input_gradient(t.net, i),
              (size_t)g.N * st_train_net_input_size(t.net, i), mode);
    graph_end(&g);
    st_test_net_close(&t);
}

static void gradients_are_differences(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETWORKS; i++)
        check_network(i, ST_TRAIN_BATCH);
}

static void gradients_with_running_statistics_are_differences(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETWORKS; i++)
        check_network(i, ST_TRAIN_RUNNING);
}

int main(int argc, char **argv)
{
    cpu_mask = st_test_train_mask(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_differences),
        cmocka_unit_test(gradients_with_running_statistics_are_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MPL-2.0 */
/*
 * `cero stats`: prints the statistics of running processes, or serves them to
 * a scraper.
 *
 * Thread: the main thread.
 * Owns: the attached files.
 */
#include "attach.h"
#include "cero.h"
#include "fields.h"
#include "options.h"
#include "prometheus.h"
#include "stop.h"

#include <argp.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stats_options {
    struct attach attach;
    const char *address;
    bool is_prometheus;
};

static const struct argp_option stats_table[] = {
    {"prometheus", 'P', "HOST:PORT", OPTION_ARG_OPTIONAL,
     "As text for a Prometheus scraper: served over HTTP there until Ctrl-C, "
     "as in --prometheus=127.0.0.1:9187; printed, if no address is given",
     2},
    {0}};

static error_t stats_parse(int key, char *arg, struct argp_state *state)
{
    struct stats_options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->attach;
        return 0;
    case 'P':
        options->is_prometheus = true;
        options->address = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The numbers that are not 0. */
static void stats_print_numbers(const cero_stats_t *r)
{
    for (const struct field *field = fields; field->name; field++) {
        uint64_t value = field_value(field, r);

        if (value != 0 && field->kinds & 1U << r->kind)
            printf(" %s=%llu", field->name, (unsigned long long)value);
    }
    putchar('\n');
}

static void stats_print_record(const cero_stats_t *r)
{
    switch (r->kind) {
    case CERO_STATS_CONTEXT:
        printf(" ");
        break;
    case CERO_STATS_SOCKET:
        printf("  %s %llu", r->type, (unsigned long long)r->id);
        break;
    default:
        printf("    pipe %llu %s", (unsigned long long)r->id,
               r->endpoint[0] ? r->endpoint : "-");
        if (r->peer[0])
            printf(" peer=%s", r->peer);
        break;
    }
    stats_print_numbers(r);
}

static int stats_print(const struct attached *a)
{
    struct attach_snapshot snapshot;
    int rc = attach_read(a, &snapshot);

    if (rc != 0) {
        warnx("%s: %s", a->path, strerror(-rc));
        return CERO_ERROR;
    }
    printf("process %llu %s\n", (unsigned long long)a->header.pid,
           a->header.program);
    for (uint32_t i = 0; i < snapshot.head.count; i++)
        stats_print_record(&snapshot.records[i]);
    if (snapshot.head.left_out > 0)
        printf("  and %u more sockets and pipes\n", snapshot.head.left_out);
    free(snapshot.records);
    return CERO_OK;
}

static int stats_show(struct stats_options *options)
{
    int code = CERO_OK;

    if (options->address)
        return prometheus_serve(&options->attach, options->address);
    if (options->is_prometheus) {
        prometheus_print(&options->attach, stdout);
        return CERO_OK;
    }
    for (size_t i = 0; i < options->attach.count; i++) {
        int one = stats_print(&options->attach.items[i]);

        if (one != CERO_OK)
            code = one;
    }
    return code;
}

/* A scraper may come before those whom it asks for. */
static int stats_attach(struct stats_options *options)
{
    return options->address ? attach_scan(&options->attach)
                            : attach_open(&options->attach);
}

int stats_run(int argc, char **argv)
{
    static const struct argp_child children[] = {{&attach_options, 0, NULL, 0},
                                                 {0}};
    static const struct argp argp = {
        .options = stats_table,
        .parser = stats_parse,
        .doc = "Print the statistics of running processes: of each context, "
               "then of its sockets, each with its pipes. Numbers that are 0 "
               "are left out."
               "\vThe processes must have been started with CERO_STATS_DIR "
               "set.",
        .children = children,
    };
    struct stats_options options = {0};
    int code = CERO_ERROR;

    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0)
        return CERO_USAGE;
    if (stop_install() == 0 && stats_attach(&options) == 0)
        code = stats_show(&options);
    attach_close(&options.attach);
    return code;
}

/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The text format of Prometheus, version 0.0.4: all samples of a metric
 * together, below a line for its type.
 *
 * Thread: the main thread. Owns: snapshots while it prints.
 */
#include "prometheus.h"

#include "fields.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {
    [CERO_STATS_CONTEXT] = "context",
    [CERO_STATS_SOCKET] = "socket",
    [CERO_STATS_PIPE] = "pipe",
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void print_label(FILE *out, const char *name, const char *value)
{
    fprintf(out, ",%s=\"", name);
    for (; *value; value++) {
        if (*value == '\n') {
            fputs("\\n", out);
            continue;
        }
        if (*value == '"' || *value == '\\')
            fputc('\\', out);
        fputc(*value, out);
    }
    fputc('"', out);
}

static void print_sample(FILE *out, const struct attached *a,
                         const cero_stats_t *r, uint64_t value)
{
    const char *name = strrchr(a->path, '/') + 1;

    fprintf(out, "{pid=\"%llu\"", (unsigned long long)a->header.pid);
    print_label(out, "program", a->header.program);
    print_label(out, "file", name);
    if (r->kind != CERO_STATS_CONTEXT) {
        fprintf(out, ",id=\"%llu\"", (unsigned long long)r->id);
        print_label(out, "type", r->type);
    }
    if (r->kind == CERO_STATS_PIPE) {
        fprintf(out, ",socket=\"%llu\"", (unsigned long long)r->owner);
        print_label(out, "endpoint", r->endpoint);
        print_label(out, "peer", r->peer);
    }
    fprintf(out, "} %llu\n", (unsigned long long)value);
}

static void print_metric(const struct attach *attach,
                         const struct attach_snapshot *snapshots,
                         const struct field *field, uint32_t kind, FILE *out)
{
    const char *suffix = field->is_counter ? "_total" : "";

    fprintf(out, "# HELP ceromq_%s_%s%s %s\n", kinds[kind], field->name, suffix,
            field->help);
    fprintf(out, "# TYPE ceromq_%s_%s%s %s\n", kinds[kind], field->name, suffix,
            field->is_counter ? "counter" : "gauge");
    for (size_t i = 0; i < attach->count; i++) {
        for (uint32_t n = 0; n < snapshots[i].head.count; n++) {
            const cero_stats_t *r = &snapshots[i].records[n];

            if (r->kind != kind)
                continue;
            fprintf(out, "ceromq_%s_%s%s", kinds[kind], field->name, suffix);
            print_sample(out, &attach->items[i], r, field_value(field, r));
        }
    }
}

void prometheus_print(struct attach *attach, FILE *out)
{
    struct attach_snapshot *snapshots =
        calloc(attach->count + 1, sizeof *snapshots);

    for (size_t i = 0; snapshots && i < attach->count; i++)
        if (attach_read(&attach->items[i], &snapshots[i]) != 0)
            memset(&snapshots[i], 0, sizeof snapshots[i]);
    for (uint32_t kind = CERO_STATS_CONTEXT; snapshots && kind < KINDS; kind++)
        for (const struct field *field = fields; field->name; field++)
            if (field->kinds & 1U << kind)
                print_metric(attach, snapshots, field, kind, out);
    for (size_t i = 0; snapshots && i < attach->count; i++)
        free(snapshots[i].records);
    free(snapshots);
}

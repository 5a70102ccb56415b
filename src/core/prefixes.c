/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Prefixes that a listener wants.
 *
 * Thread: the owner. Owns: see core/prefixes.h.
 */
#include "core/prefixes.h"

#include "base/alloc.h"
#include "core/pipe.h"
#include "wire/command.h"

#include <string.h>

struct prefix {
    struct cz_list link;
    size_t size;
    char text[];
};

void cz_prefixes_init(struct cz_prefixes *p)
{
    cz_list_init(&p->list);
    p->takes_all = false;
}

void cz_prefixes_fini(struct cz_prefixes *p)
{
    struct cz_list *node;

    while ((node = cz_list_pop_front(&p->list)))
        cz_free(cz_container_of(node, struct prefix, link));
}

static void prefixes_add(struct cz_prefixes *p, struct cz_span topic)
{
    struct prefix *prefix = cz_alloc(sizeof *prefix + topic.size);

    if (!prefix) {
        p->takes_all = true; /* a SUB looks for itself what it wants */
        return;
    }
    prefix->size = topic.size;
    cz_span_copy((uint8_t *)prefix->text, topic);
    cz_list_push_back(&p->list, &prefix->link);
}

static void prefixes_remove(struct cz_prefixes *p, struct cz_span topic)
{
    cz_list_for_each (node, &p->list) {
        struct prefix *prefix = cz_container_of(node, struct prefix, link);

        if (!cz_span_equals(cz_span((uint8_t *)prefix->text, prefix->size),
                            topic))
            continue;
        cz_list_remove(node);
        cz_free(prefix);
        return;
    }
}

/* As a command, or as the message that an XSUB sends for one. */
static void prefixes_take(struct cz_prefixes *p, const struct cz_frame *frame)
{
    struct cz_zmtp_command command;

    if (frame->flags & CZ_FRAME_COMMAND) {
        cz_command_parse(frame->data, frame->size, &command);
    } else if (frame->size > 0 && frame->data[0] <= 1) {
        command.kind =
            frame->data[0] ? CZ_COMMAND_SUBSCRIBE : CZ_COMMAND_CANCEL;
        command.data = cz_span(frame->data + 1, frame->size - 1);
    } else {
        return;
    }
    if (command.kind == CZ_COMMAND_SUBSCRIBE)
        prefixes_add(p, command.data);
    else if (command.kind == CZ_COMMAND_CANCEL)
        prefixes_remove(p, command.data);
}

void cz_prefixes_read(struct cz_prefixes *p, struct cz_pipe_end *end)
{
    struct cz_frame frame;

    while (cz_pipe_read(end, &frame)) {
        prefixes_take(p, &frame);
        if (frame.buffer)
            cz_buffer_unref(frame.buffer);
    }
}

bool cz_prefixes_match(const struct cz_prefixes *p, const char *topic)
{
    size_t size = strlen(topic);

    if (p->takes_all)
        return true;
    cz_list_for_each (node, &p->list) {
        const struct prefix *prefix =
            cz_container_of(node, struct prefix, link);

        if (prefix->size <= size &&
            memcmp(prefix->text, topic, prefix->size) == 0)
            return true;
    }
    return false;
}

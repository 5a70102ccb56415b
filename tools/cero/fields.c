/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The numbers of statistics.
 *
 * Thread: any. Owns: nothing.
 */
#include "fields.h"

#include <string.h>

enum {
    ON_PIPE = 1 << CERO_STATS_PIPE,
    ON_CONTEXT = 1 << CERO_STATS_CONTEXT,
    ON_BOTH = ON_CONTEXT | 1 << CERO_STATS_SOCKET,
    ON_ALL = ON_BOTH | ON_PIPE,
};

#define COUNTER(kinds, name, help)                                             \
    {                                                                          \
#name, offsetof(cero_stats_t, name), kinds, true, help                 \
    }
#define GAUGE(kinds, name, help)                                               \
    {                                                                          \
#name, offsetof(cero_stats_t, name), kinds, false, help                \
    }

const struct field fields[] = {
    COUNTER(ON_ALL, messages_in, "Messages that have arrived"),
    COUNTER(ON_ALL, messages_out, "Messages that were sent"),
    COUNTER(ON_ALL, bytes_in, "Bytes that have arrived, as frames"),
    COUNTER(ON_ALL, bytes_out, "Bytes that were sent, as frames"),
    GAUGE(ON_ALL, queued_in, "Messages that wait to be received"),
    GAUGE(ON_ALL, queued_out, "Messages that wait to be written"),
    GAUGE(ON_PIPE, queued_in_max, "The most that waited to be received"),
    GAUGE(ON_PIPE, queued_out_max, "The most that waited to be written"),
    GAUGE(ON_PIPE, hwm_in, "The mark for arriving messages"),
    GAUGE(ON_PIPE, hwm_out, "The mark for messages sent"),
    COUNTER(ON_ALL, full_in, "How often the mark was reached on arrival"),
    COUNTER(ON_ALL, full_out, "How often the mark was reached in sending"),
    COUNTER(ON_ALL, dropped_hwm, "Messages dropped: the pipe was full"),
    COUNTER(ON_BOTH, dropped_no_route, "Messages dropped: no such peer"),
    COUNTER(ON_ALL, dropped_conflated, "Messages replaced by later ones"),
    COUNTER(ON_ALL, dropped_memory, "Messages dropped: no memory"),
    COUNTER(ON_BOTH, connects, "Connections made"),
    COUNTER(ON_BOTH, accepts, "Connections accepted"),
    COUNTER(ON_BOTH, disconnects, "Connections ended"),
    COUNTER(ON_BOTH, reconnects, "Attempts to connect, put off"),
    COUNTER(ON_BOTH, handshakes, "Handshakes that went well"),
    COUNTER(ON_BOTH, handshake_failures, "Handshakes that did not"),
    COUNTER(ON_BOTH, accept_failures, "Connections that were not accepted"),
    COUNTER(ON_BOTH, bind_failures, "Endpoints that could not be bound"),
    GAUGE(ON_CONTEXT, memory, "Bytes that messages take up"),
    GAUGE(ON_BOTH, sockets, "Open sockets"),
    GAUGE(ON_BOTH, pipes, "Open pipes"),
    GAUGE(ON_ALL, lingering, "Closed pipes whose messages are still sent"),
    {0},
};

uint64_t field_value(const struct field *field, const cero_stats_t *record)
{
    uint64_t value;

    memcpy(&value, (const char *)record + field->offset, sizeof value);
    return value;
}

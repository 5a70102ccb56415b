/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How the events of sockets are called in the log, and what their values are
 * (docs/log.md has the same table for readers).
 *
 * Thread: any.
 */
#include "core/ctx.h"
#include "core/log.h"
#include "core/monitor.h"
#include "core/stats.h"

#include <errno.h>
#include <string.h>

enum { SCHEME_MAX = 16 };

enum value_kind { NOTHING, NUMBER, ERROR };

struct event_name {
    enum cz_event event;
    const char *topic;
    bool has_scheme; /* ".tcp" goes behind it */
    enum value_kind kind;
    const char *number_name;
    const char *reason;
};

static const struct event_name names[] = {
    {CZ_EVENT_CONNECTED, "connect", true, NUMBER, "fd", NULL},
    {CZ_EVENT_CONNECT_DELAYED, "dial", true, NOTHING, NULL, NULL},
    {CZ_EVENT_CONNECT_RETRIED, "reconnect", true, NUMBER, "delay_ms", NULL},
    {CZ_EVENT_LISTENING, "listen", true, NUMBER, "fd", NULL},
    {CZ_EVENT_BIND_FAILED, "bind.failed", false, ERROR, NULL, NULL},
    {CZ_EVENT_ACCEPTED, "accept", true, NUMBER, "fd", NULL},
    {CZ_EVENT_ACCEPT_FAILED, "accept.failed", false, ERROR, NULL, NULL},
    {CZ_EVENT_CLOSED, "close", true, NUMBER, "fd", NULL},
    {CZ_EVENT_CLOSE_FAILED, "close.failed", false, ERROR, NULL, NULL},
    {CZ_EVENT_DISCONNECTED, "disconnect", true, NUMBER, "fd", NULL},
    {CZ_EVENT_HANDSHAKE_SUCCEEDED, "handshake.succeeded", false, NOTHING, NULL,
     NULL},
    {CZ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, "handshake.failed", false, ERROR,
     NULL, "connection"},
    {CZ_EVENT_HANDSHAKE_FAILED_PROTOCOL, "handshake.failed", false, NUMBER,
     "code", "protocol"},
    {CZ_EVENT_HANDSHAKE_FAILED_AUTH, "handshake.failed", false, NUMBER, "code",
     "authentication"},
    {CZ_EVENT_SWAP, "swap.error", false, ERROR, NULL, NULL},
    {CZ_EVENT_HANDSHAKE_BROKEN_OFF, "handshake.failed", false, NOTHING, NULL,
     "incompatible"},
};

static const struct event_name *find_name(enum cz_event event)
{
    for (size_t i = 0; i < CZ_COUNT_OF(names); i++)
        if (names[i].event == event)
            return &names[i];
    return NULL;
}

static void copy_scheme(char scheme[SCHEME_MAX], const char *endpoint)
{
    const char *end = strstr(endpoint, "://");
    size_t size = end ? (size_t)(end - endpoint) : 0;

    if (size >= SCHEME_MAX)
        size = 0;
    memcpy(scheme, endpoint, size);
    scheme[size] = '\0';
}

void cz_log_tell_event(const struct cz_account *account, enum cz_event event,
                       uint32_t value, const char *endpoint, const char *peer)
{
    const struct event_name *name = find_name(event);
    struct cz_log_event told = {
        .account = account,
        .endpoint = endpoint,
        .peer = peer,
    };
    char scheme[SCHEME_MAX];

    if (!name)
        return;
    told.topic = name->topic;
    if (event == CZ_EVENT_SWAP && value == EAGAIN)
        told.topic = "swap.full";
    told.reason = name->reason;
    copy_scheme(scheme, endpoint);
    if (name->has_scheme && scheme[0])
        told.scheme = scheme;
    if (name->kind == ERROR)
        told.error = (int)value;
    if (name->kind == NUMBER) {
        told.number_name = name->number_name;
        told.number = value;
    }
    cz_log_tell(&account->ctx->log, &told);
}

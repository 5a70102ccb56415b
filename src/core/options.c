/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The option table, and reading and writing values by it.
 *
 * Thread: the socket's.
 */
#include "core/options.h"

#include "base/alloc.h"
#include "wire/socket_type.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum option_type {
    OPTION_INT,
    OPTION_BOOL, /* an int, 0 or 1 */
    OPTION_INT64,
    OPTION_UINT64,
    OPTION_SPECIAL, /* has functions of its own, below */
    OPTION_LATER,   /* known to zmq.h, not built yet */
    OPTION_OFF,     /* the same, but a switch: reads 0, and 0 may be set */
};

enum { SET = 1, GET = 2, BOTH = 3 };

struct option_row {
    uint8_t number; /* ZMQ_... */
    uint8_t type;
    uint8_t access;
    uint16_t offset;
    int min;
    int max;
    int fallback; /* the default */
};

#define AT(field) offsetof(struct cz_options, field)

/* Numbers as in zmq.h; the order is theirs. "no limit" is INT_MAX. */
static const struct option_row option_table[] = {
    {4, OPTION_UINT64, BOTH, AT(affinity), 0, 0, 0},
    {5, OPTION_SPECIAL, BOTH, AT(routing_id), 0, 0, 0},
    {8, OPTION_INT, BOTH, AT(rate_kbps), 1, INT_MAX, 100},
    {9, OPTION_INT, BOTH, AT(recovery_ivl_ms), 0, INT_MAX, 10000},
    {11, OPTION_INT, BOTH, AT(sndbuf), -1, INT_MAX, -1},
    {12, OPTION_INT, BOTH, AT(rcvbuf), -1, INT_MAX, -1},
    {17, OPTION_INT, BOTH, AT(linger_ms), -1, INT_MAX, -1},
    {18, OPTION_INT, BOTH, AT(reconnect_ivl_ms), -1, INT_MAX, 100},
    {19, OPTION_INT, BOTH, AT(backlog), 0, INT_MAX, 100},
    {21, OPTION_INT, BOTH, AT(reconnect_ivl_max_ms), 0, INT_MAX, 0},
    {22, OPTION_INT64, BOTH, AT(maxmsgsize), 0, 0, -1},
    {23, OPTION_INT, BOTH, AT(sndhwm), 0, INT_MAX, 1000},
    {24, OPTION_INT, BOTH, AT(rcvhwm), 0, INT_MAX, 1000},
    {25, OPTION_INT, BOTH, AT(multicast_hops), 1, INT_MAX, 1},
    {27, OPTION_INT, BOTH, AT(rcvtimeo_ms), -1, INT_MAX, -1},
    {28, OPTION_INT, BOTH, AT(sndtimeo_ms), -1, INT_MAX, -1},
    {31, OPTION_SPECIAL, BOTH, AT(ipv6), 0, 1, 0},
    {34, OPTION_INT, BOTH, AT(tcp_keepalive), -1, 1, -1},
    {35, OPTION_INT, BOTH, AT(tcp_keepalive_cnt), -1, INT_MAX, -1},
    {36, OPTION_INT, BOTH, AT(tcp_keepalive_idle_s), -1, INT_MAX, -1},
    {37, OPTION_INT, BOTH, AT(tcp_keepalive_intvl_s), -1, INT_MAX, -1},
    {38, OPTION_LATER, SET, 0, 0, 0, 0}, /* TCP_ACCEPT_FILTER */
    {39, OPTION_BOOL, BOTH, AT(immediate), 0, 1, 0},
    {42, OPTION_BOOL, BOTH, AT(ipv6), 0, 1, 0},
    {43, OPTION_SPECIAL, GET, 0, 0, 0, 0}, /* MECHANISM */
    {44, OPTION_LATER, BOTH, 0, 0, 0, 0},  /* PLAIN_... */
    {45, OPTION_LATER, BOTH, 0, 0, 0, 0},
    {46, OPTION_LATER, BOTH, 0, 0, 0, 0},
    {47, OPTION_LATER, BOTH, 0, 0, 0, 0}, /* CURVE_... */
    {48, OPTION_LATER, BOTH, 0, 0, 0, 0},
    {49, OPTION_LATER, BOTH, 0, 0, 0, 0},
    {50, OPTION_LATER, BOTH, 0, 0, 0, 0},
    {54, OPTION_BOOL, BOTH, AT(conflate), 0, 1, 0},
    {55, OPTION_LATER, BOTH, 0, 0, 0, 0}, /* ZAP_DOMAIN */
    {57, OPTION_INT, BOTH, AT(tos), 0, INT_MAX, 0},
    {58, OPTION_LATER, SET, 0, 0, 0, 0}, /* IPC_FILTER_... */
    {59, OPTION_LATER, SET, 0, 0, 0, 0},
    {60, OPTION_LATER, SET, 0, 0, 0, 0},
    {62, OPTION_LATER, BOTH, 0, 0, 0, 0}, /* GSSAPI_... */
    {63, OPTION_LATER, BOTH, 0, 0, 0, 0},
    {64, OPTION_LATER, BOTH, 0, 0, 0, 0},
    {65, OPTION_LATER, BOTH, 0, 0, 0, 0},
    {66, OPTION_INT, BOTH, AT(handshake_ivl_ms), 0, INT_MAX, 30000},
    {68, OPTION_LATER, BOTH, 0, 0, 0, 0}, /* SOCKS_PROXY */
    {74, OPTION_SPECIAL, BOTH, AT(inverts_matching), 0, 0, 0},
    {75, OPTION_INT, BOTH, AT(heartbeat_ivl_ms), 0, INT_MAX, 0},
    {76, OPTION_SPECIAL, BOTH, AT(heartbeat_ttl_ms), 0, 6553599, 0},
    {77, OPTION_INT, BOTH, AT(heartbeat_timeout_ms), 0, INT_MAX, -1},
    {79, OPTION_INT, BOTH, AT(connect_timeout_ms), 0, INT_MAX, 0},
    {80, OPTION_INT, BOTH, AT(tcp_maxrt_ms), 0, INT_MAX, 0},
    {84, OPTION_INT, BOTH, AT(multicast_maxtpdu), 1, INT_MAX, 1500},
    {89, OPTION_INT, BOTH, AT(use_fd), -1, INT_MAX, -1},
    {90, OPTION_LATER, BOTH, 0, 0, 0, 0}, /* GSSAPI_..._NAMETYPE */
    {91, OPTION_LATER, BOTH, 0, 0, 0, 0},
    {92, OPTION_SPECIAL, BOTH, AT(bind_to_device), 0, 0, 0},
    {93, OPTION_LATER, BOTH, 0, 0, 0, 0}, /* ZAP_ENFORCE_DOMAIN */
    {95, OPTION_LATER, SET, 0, 0, 0, 0},  /* METADATA */
    {96, OPTION_BOOL, BOTH, AT(multicast_loop), 0, 1, 1},
    {99, OPTION_LATER, BOTH, 0, 0, 0, 0}, /* SOCKS_... */
    {100, OPTION_LATER, BOTH, 0, 0, 0, 0},
    {101, OPTION_LATER, BOTH, 0, 0, 0, 0}, /* IN_, OUT_BATCH_SIZE */
    {102, OPTION_LATER, BOTH, 0, 0, 0, 0},
    {109, OPTION_INT, BOTH, AT(reconnect_stop), 0, 7, 0},
    {110, OPTION_LATER, SET, 0, 0, 0, 0}, /* HELLO_MSG, ... */
    {111, OPTION_LATER, SET, 0, 0, 0, 0},
    {112, OPTION_INT, BOTH, AT(priority), 0, INT_MAX, 0},
    {113, OPTION_INT, BOTH, AT(busy_poll_us), INT_MIN, INT_MAX, 0},
    {114, OPTION_LATER, SET, 0, 0, 0, 0},
};

static const struct option_row *option_find(int number)
{
    for (size_t i = 0; i < CZ_COUNT_OF(option_table); i++)
        if (option_table[i].number == number)
            return &option_table[i];
    return NULL;
}

static int *option_int(struct cz_options *o, const struct option_row *row)
{
    return (int *)((char *)o + row->offset);
}

void cz_options_init(struct cz_options *o, int socket_type)
{
    memset(o, 0, sizeof *o);
    for (size_t i = 0; i < CZ_COUNT_OF(option_table); i++) {
        const struct option_row *row = &option_table[i];

        if (row->type == OPTION_INT || row->type == OPTION_BOOL)
            *option_int(o, row) = row->fallback;
    }
    o->maxmsgsize = -1;
    o->socket_type = (uint8_t)socket_type;
    atomic_init(&o->refs, 1);
}

bool cz_options_conflates_out(const struct cz_options *o)
{
    return o->conflate && (o->socket_type == CZ_SOCKET_PUSH ||
                           o->socket_type == CZ_SOCKET_PUB ||
                           o->socket_type == CZ_SOCKET_DEALER);
}

bool cz_options_conflates_in(const struct cz_options *o)
{
    return o->conflate && (o->socket_type == CZ_SOCKET_PULL ||
                           o->socket_type == CZ_SOCKET_SUB ||
                           o->socket_type == CZ_SOCKET_DEALER);
}

struct cz_options *cz_options_snapshot(const struct cz_options *options)
{
    struct cz_options *copy = cz_memdup(options, sizeof *options);

    if (copy)
        atomic_init(&copy->refs, 1);
    return copy;
}

struct cz_options *cz_options_ref(struct cz_options *options)
{
    /* Relaxed: who takes a reference already holds one. */
    atomic_fetch_add_explicit(&options->refs, 1, memory_order_relaxed);
    return options;
}

void cz_options_unref(struct cz_options *options)
{
    if (options &&
        atomic_fetch_sub_explicit(&options->refs, 1, memory_order_acq_rel) == 1)
        cz_free(options);
}

/* ---- options with rules of their own -------------------------------- */

static int set_special(struct cz_options *o, const struct option_row *row,
                       const void *value, size_t size)
{
    int number;

    switch (row->number) {
    case 5: /* ROUTING_ID */
        if (size < 1 || size > CZ_ROUTING_ID_MAX || !value)
            return -EINVAL;
        memcpy(o->routing_id, value, size);
        o->routing_id_size = (uint8_t)size;
        return 0;
    case 31: /* IPV4ONLY: the opposite of IPV6 */
        if (cz_options_take_int(value, size, 0, 1, &number) != 0)
            return -EINVAL;
        o->ipv6 = !number;
        return 0;
    case 74: /* INVERT_MATCHING: any number but 0 */
        if (cz_options_take_int(value, size, INT_MIN, INT_MAX, &number) != 0)
            return -EINVAL;
        o->inverts_matching = number != 0;
        return 0;
    case 76: /* HEARTBEAT_TTL: kept as the wire has it, in tenths of seconds */
        if (cz_options_take_int(value, size, row->min, row->max, &number) != 0)
            return -EINVAL;
        o->heartbeat_ttl_ms = number / 100 * 100;
        return 0;
    case 92: /* BINDTODEVICE */
        if (size > CZ_DEVICE_NAME_MAX || (size > 0 && !value))
            return -EINVAL;
        memset(o->bind_to_device, 0, sizeof o->bind_to_device);
        if (size > 0)
            memcpy(o->bind_to_device, value, size);
        return 0;
    default:
        return -EINVAL;
    }
}

static int get_special(const struct cz_options *o, const struct option_row *row,
                       void *value, size_t *size)
{
    switch (row->number) {
    case 5:
        if (*size < o->routing_id_size)
            return -EINVAL;
        memset(value, 0, *size);
        if (o->routing_id_size)
            memcpy(value, o->routing_id, o->routing_id_size);
        *size = o->routing_id_size;
        return 0;
    case 31:
        return *size == sizeof(int) ? cz_options_put_int(!o->ipv6, value, size)
                                    : -EINVAL;
    case 43: /* MECHANISM: NULL is the only one yet */
        return *size == sizeof(int) ? cz_options_put_int(0, value, size)
                                    : -EINVAL;
    case 74:
        return *size == sizeof(int)
                   ? cz_options_put_int(o->inverts_matching, value, size)
                   : -EINVAL;
    case 76:
        return *size == sizeof(int)
                   ? cz_options_put_int(o->heartbeat_ttl_ms, value, size)
                   : -EINVAL;
    case 92:
        return cz_options_put_text(o->bind_to_device, value, size);
    default:
        return -EINVAL;
    }
}

/* ---- set and get ---------------------------------------------------- */

int cz_options_set(struct cz_options *o, int option, const void *value,
                   size_t size)
{
    const struct option_row *row = option_find(option);
    int number;

    if (!row)
        return -ENOENT;
    if (!(row->access & SET))
        return -EINVAL;
    switch (row->type) {
    case OPTION_INT:
    case OPTION_BOOL:
        return cz_options_take_int(value, size, row->min, row->max,
                                   option_int(o, row));
    case OPTION_INT64:
    case OPTION_UINT64:
        if (size != sizeof(int64_t) || !value)
            return -EINVAL;
        memcpy((char *)o + row->offset, value, size);
        return 0;
    case OPTION_SPECIAL:
        return set_special(o, row, value, size);
    case OPTION_OFF:
        if (cz_options_take_int(value, size, row->min, row->max, &number) != 0)
            return -EINVAL;
        return number == 0 ? 0 : -ENOTSUP;
    default:
        return -ENOTSUP;
    }
}

int cz_options_get(const struct cz_options *o, int number, void *value,
                   size_t *size)
{
    const struct option_row *row = option_find(number);

    if (!row)
        return -ENOENT;
    if (!(row->access & GET))
        return -EINVAL;
    switch (row->type) {
    case OPTION_INT:
    case OPTION_BOOL:
        if (*size != sizeof(int))
            return -EINVAL;
        memcpy(value, (const char *)o + row->offset, sizeof(int));
        return 0;
    case OPTION_INT64:
    case OPTION_UINT64:
        if (*size != sizeof(int64_t))
            return -EINVAL;
        memcpy(value, (const char *)o + row->offset, sizeof(int64_t));
        return 0;
    case OPTION_SPECIAL:
        return get_special(o, row, value, size);
    case OPTION_OFF:
        return *size == sizeof(int) ? cz_options_put_int(0, value, size)
                                    : -EINVAL;
    default:
        return -ENOTSUP;
    }
}

int cz_options_take_int(const void *value, size_t size, int min, int max,
                        int *to)
{
    int number;

    if (size != sizeof number || !value)
        return -EINVAL;
    memcpy(&number, value, sizeof number);
    if (number < min || number > max)
        return -EINVAL;
    *to = number;
    return 0;
}

int cz_options_take_switch(const void *value, size_t size, bool *to)
{
    int number;
    int rc = cz_options_take_int(value, size, 0, INT_MAX, &number);

    if (rc == 0)
        *to = number != 0;
    return rc;
}

int cz_options_put_int(int from, void *value, size_t *size)
{
    if (*size < sizeof from)
        return -EINVAL;
    memset(value, 0, *size);
    memcpy(value, &from, sizeof from);
    *size = sizeof from;
    return 0;
}

int cz_options_put_text(const char *from, void *value, size_t *size)
{
    size_t needed = strlen(from) + 1;

    if (*size < needed)
        return -EINVAL;
    memset(value, 0, *size);
    memcpy(value, from, needed);
    *size = needed;
    return 0;
}

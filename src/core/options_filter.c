/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Filters of who may connect: ZMQ_TCP_ACCEPT_FILTER, ZMQ_IPC_FILTER_...
 *
 * Addresses are compared as IPv6 has them, so that an IPv4 peer is the same
 * whether the listener is of the one family or of both.
 *
 * Thread: set on the socket's; asked with the helm. Owns: nothing.
 */
#include "core/options_table.h"

#include <errno.h>
#include <string.h>

enum { IP_BITS = CZ_ADDR_IP_SIZE * 8, MAPPED_V4_BITS = IP_BITS - 32 };

/* All addresses whose first bits are these. */
struct range {
    uint8_t ip[CZ_ADDR_IP_SIZE];
    uint8_t bits;
};

/* The number behind the '/'. All digits: a typing error must not let others
 * in. */
static int parse_bits(const char *text, unsigned max, unsigned *bits)
{
    if (!*text)
        return -EINVAL;
    for (*bits = 0; *text; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        *bits = *bits * 10 + (unsigned)(*text - '0');
        if (*bits > max)
            return -EINVAL;
    }
    return 0;
}

/* "address" or "address/bits". IPv6 needs ZMQ_IPV6, as it does elsewhere. */
static int parse_range(char *text, bool may_be_v6, struct range *range)
{
    bool is_v6 = may_be_v6 && strchr(text, ':');
    unsigned base = is_v6 ? 0 : MAPPED_V4_BITS;
    unsigned bits = IP_BITS - base;
    char *slash = strchr(text, '/');
    struct cz_addr addr;
    int rc;

    if (slash)
        *slash = '\0';
    rc = cz_addr_numeric(&addr, text, 0,
                         is_v6 ? CZ_ADDR_IPV6_DUAL : CZ_ADDR_IPV4);
    if (rc == 0 && slash)
        rc = parse_bits(slash + 1, bits, &bits);
    if (rc == 0)
        rc = cz_addr_ip(&addr, range->ip);
    range->bits = (uint8_t)(base + bits);
    return rc;
}

int cz_option_add_filter(struct cz_options *o, const struct cz_option_row *row,
                         const void *value, size_t size)
{
    struct range range;
    char text[256];
    int rc;

    if (size == 0 && !value)
        return cz_blobs_set(&o->blobs, row->number, cz_span(NULL, 0));
    if (size < 1 || size > (size_t)row->max || !value)
        return -EINVAL;
    memcpy(text, value, size);
    text[size] = '\0';
    rc = parse_range(text, o->ipv6, &range);
    if (rc != 0)
        return rc;
    return cz_blobs_append(&o->blobs, row->number,
                           cz_span(&range, sizeof range));
}

static bool range_has(const struct range *range, const uint8_t *ip)
{
    unsigned bytes = range->bits / 8;
    unsigned left = range->bits % 8;

    return memcmp(range->ip, ip, bytes) == 0 &&
           (left == 0 || (range->ip[bytes] ^ ip[bytes]) >> (8 - left) == 0);
}

bool cz_options_admit_address(const struct cz_options *o,
                              const struct cz_addr *peer)
{
    struct cz_span ranges = cz_options_blob(o, CZ_OPTION_TCP_ACCEPT_FILTER);
    uint8_t ip[CZ_ADDR_IP_SIZE];

    if (ranges.size == 0)
        return true;
    if (cz_addr_ip(peer, ip) != 0)
        return false;
    for (size_t at = 0; at < ranges.size; at += sizeof(struct range)) {
        struct range range;

        memcpy(&range, ranges.bytes + at, sizeof range);
        if (range_has(&range, ip))
            return true;
    }
    return false;
}

static bool is_listed(struct cz_span ids, uint32_t id)
{
    for (size_t at = 0; at < ids.size; at += sizeof id)
        if (memcmp(ids.bytes + at, &id, sizeof id) == 0)
            return true;
    return false;
}

bool cz_options_filter_processes(const struct cz_options *o)
{
    return cz_options_blob(o, CZ_OPTION_IPC_FILTER_PID).size > 0 ||
           cz_options_blob(o, CZ_OPTION_IPC_FILTER_UID).size > 0 ||
           cz_options_blob(o, CZ_OPTION_IPC_FILTER_GID).size > 0;
}

bool cz_options_admit_process(const struct cz_options *o,
                              const struct cz_sock_credentials *peer,
                              const gid_t *groups, size_t group_count)
{
    struct cz_span pids = cz_options_blob(o, CZ_OPTION_IPC_FILTER_PID);
    struct cz_span uids = cz_options_blob(o, CZ_OPTION_IPC_FILTER_UID);
    struct cz_span gids = cz_options_blob(o, CZ_OPTION_IPC_FILTER_GID);

    if (is_listed(pids, (uint32_t)peer->pid) || is_listed(uids, peer->uid) ||
        is_listed(gids, peer->gid))
        return true;
    for (size_t i = 0; i < group_count; i++)
        if (is_listed(gids, groups[i]))
            return true;
    return false;
}

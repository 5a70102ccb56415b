/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Socket addresses from the system: numbers and names through the C
 * library's resolver, so that zones, short forms and v4-mapped addresses
 * come out as everybody else's do, and the addresses of interfaces.
 *
 * Thread: any; cz_addr_resolve blocks. Owns: nothing.
 */
#include "os/addr.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static int addr_family(enum cz_addr_family_rule rule)
{
    return rule == CZ_ADDR_IPV4 ? AF_INET : AF_INET6;
}

static void addr_copy(struct cz_addr *addr, const struct sockaddr *from,
                      socklen_t length)
{
    memset(addr, 0, sizeof *addr);
    memcpy(&addr->u.storage, from, length);
    addr->length = length;
}

enum { HOST_MAX = 288 }; /* with a zone */

/* "address%interface" with the number of the interface. False: there is no such
 * interface. */
static bool addr_number_zone(const char *host, char numbered[HOST_MAX])
{
    const char *zone = strchr(host, '%');
    unsigned index = zone ? if_nametoindex(zone + 1) : 0;

    if (index != 0)
        snprintf(numbered, HOST_MAX, "%.*s%%%u", (int)(zone - host), host,
                 index);
    return index != 0;
}

/* The resolver's first answer. 0 or one of its EAI_ codes. */
static int addr_lookup(struct cz_addr *addr, const char *host, uint16_t port,
                       enum cz_addr_family_rule rule, int flags)
{
    struct addrinfo hints = {
        .ai_family = addr_family(rule),
        .ai_socktype = SOCK_STREAM,
        .ai_flags = flags,
    };
    struct addrinfo *found;
    char numbered[HOST_MAX];
    int rc;

    if (rule == CZ_ADDR_IPV6_DUAL)
        hints.ai_flags |= AI_V4MAPPED | AI_ALL;
    rc = getaddrinfo(host, NULL, &hints, &found);
    /* It takes an interface's name for a zone with link-local addresses only,
     * and a number with all. */
    if (rc == EAI_NONAME && addr_number_zone(host, numbered))
        rc = getaddrinfo(numbered, NULL, &hints, &found);
    if (rc != 0)
        return rc;
    addr_copy(addr, found->ai_addr, found->ai_addrlen);
    cz_addr_set_port(addr, port);
    freeaddrinfo(found);
    return 0;
}

int cz_addr_numeric(struct cz_addr *addr, const char *host, uint16_t port,
                    enum cz_addr_family_rule rule)
{
    int rc = addr_lookup(addr, host, port, rule, AI_NUMERICHOST);

    return rc == 0 ? 0 : -EINVAL;
}

int cz_addr_resolve(struct cz_addr *addr, const char *host, uint16_t port,
                    enum cz_addr_family_rule rule)
{
    int rc = addr_lookup(addr, host, port, rule, 0);

    if (rc == EAI_MEMORY)
        return -ENOMEM;
    return rc == 0 ? 0 : -ENODEV;
}

/* ::ffff:a.b.c.d, so that an IPv6 socket can use an IPv4 address. */
static void addr_map_v4(struct cz_addr *addr, const struct sockaddr_in *v4)
{
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};

    mapped.sin6_addr.s6_addr[10] = 0xff;
    mapped.sin6_addr.s6_addr[11] = 0xff;
    memcpy(&mapped.sin6_addr.s6_addr[12], &v4->sin_addr, sizeof v4->sin_addr);
    addr_copy(addr, (const struct sockaddr *)&mapped, sizeof mapped);
}

/* With IPv6 allowed, an IPv6 address of the interface is preferred, and an
 * IPv4 one is better than none. */
int cz_addr_interface(struct cz_addr *addr, const char *name, uint16_t port,
                      enum cz_addr_family_rule rule)
{
    struct ifaddrs *all, *at;
    int rc = -ENODEV;

    if (getifaddrs(&all) != 0)
        return -ENODEV;
    for (at = all; at; at = at->ifa_next) {
        if (!at->ifa_addr || strcmp(at->ifa_name, name) != 0)
            continue;
        if (at->ifa_addr->sa_family == addr_family(rule)) {
            addr_copy(addr, at->ifa_addr,
                      rule == CZ_ADDR_IPV4 ? sizeof(struct sockaddr_in)
                                           : sizeof(struct sockaddr_in6));
            rc = 0;
            break;
        }
        if (at->ifa_addr->sa_family == AF_INET && rc != 0) {
            addr_map_v4(addr, (const struct sockaddr_in *)at->ifa_addr);
            rc = 0;
        }
    }
    if (rc == 0)
        cz_addr_set_port(addr, port);
    freeifaddrs(all);
    return rc;
}

/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Socket addresses. Names and numbers go through the C library's resolver,
 * so that zones, short forms and v4-mapped addresses come out as everybody
 * else's do.
 *
 * Thread: any; cz_addr_resolve blocks. Owns: nothing.
 */
#include "os/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static struct sockaddr_in *addr_v4(const struct cz_addr *addr)
{
    return (struct sockaddr_in *)&addr->u.storage;
}

static struct sockaddr_in6 *addr_v6(const struct cz_addr *addr)
{
    return (struct sockaddr_in6 *)&addr->u.storage;
}

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

static void addr_set_port(struct cz_addr *addr, uint16_t port)
{
    if (addr->u.any.sa_family == AF_INET)
        addr_v4(addr)->sin_port = htons(port);
    else
        addr_v6(addr)->sin6_port = htons(port);
}

void cz_addr_any(struct cz_addr *addr, enum cz_addr_family_rule rule,
                 uint16_t port)
{
    memset(addr, 0, sizeof *addr);
    addr->u.any.sa_family = (sa_family_t)addr_family(rule);
    addr->length = rule == CZ_ADDR_IPV4 ? sizeof(struct sockaddr_in)
                                        : sizeof(struct sockaddr_in6);
    addr_set_port(addr, port);
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
    int rc;

    if (rule == CZ_ADDR_IPV6_DUAL)
        hints.ai_flags |= AI_V4MAPPED | AI_ALL;
    rc = getaddrinfo(host, NULL, &hints, &found);
    if (rc != 0)
        return rc;
    addr_copy(addr, found->ai_addr, found->ai_addrlen);
    addr_set_port(addr, port);
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
        addr_set_port(addr, port);
    freeifaddrs(all);
    return rc;
}

int cz_addr_ipc(struct cz_addr *addr, const char *path)
{
    size_t length = strlen(path);

    if (length == 0)
        return -EINVAL;
    if (length >= sizeof addr->u.un.sun_path)
        return -ENAMETOOLONG;
    memset(addr, 0, sizeof *addr);
    addr->u.un.sun_family = AF_UNIX;
    memcpy(addr->u.un.sun_path, path, length);
    /* An abstract name begins with a NUL and has none at its end. */
    if (path[0] == '@')
        addr->u.un.sun_path[0] = '\0';
    else
        length++;
    addr->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return 0;
}

static void addr_text_ipc(const struct cz_addr *addr,
                          char text[CZ_ADDR_TEXT_MAX])
{
    size_t head = offsetof(struct sockaddr_un, sun_path);
    size_t length = addr->length > head ? addr->length - head : 0;

    memcpy(text, addr->u.un.sun_path, length);
    text[length] = '\0';
    if (length > 0 && text[0] == '\0')
        text[0] = '@';
}

void cz_addr_text(const struct cz_addr *addr, bool with_port,
                  char text[CZ_ADDR_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
    unsigned port = cz_addr_port(addr);

    text[0] = '\0';
    if (addr->u.any.sa_family == AF_UNIX)
        addr_text_ipc(addr, text);
    else if (getnameinfo(&addr->u.any, addr->length, host, sizeof host, NULL, 0,
                         NI_NUMERICHOST) != 0)
        return;
    else if (!with_port)
        snprintf(text, CZ_ADDR_TEXT_MAX, "%s", host);
    else if (addr->u.any.sa_family == AF_INET6)
        snprintf(text, CZ_ADDR_TEXT_MAX, "[%s]:%u", host, port);
    else
        snprintf(text, CZ_ADDR_TEXT_MAX, "%s:%u", host, port);
}

uint16_t cz_addr_port(const struct cz_addr *addr)
{
    if (addr->u.any.sa_family == AF_INET)
        return ntohs(addr_v4(addr)->sin_port);
    if (addr->u.any.sa_family == AF_INET6)
        return ntohs(addr_v6(addr)->sin6_port);
    return 0;
}

/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Socket addresses that need nobody's help to be made or shown. This file
 * asks the system nothing, and serves under the simulated one as well.
 *
 * Thread: any. Owns: nothing.
 */
#include "os/addr.h"

#include <arpa/inet.h>
#include <errno.h>
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

void cz_addr_any(struct cz_addr *addr, enum cz_addr_family_rule rule,
                 uint16_t port)
{
    bool is_v4 = rule == CZ_ADDR_IPV4;

    memset(addr, 0, sizeof *addr);
    addr->u.any.sa_family = is_v4 ? AF_INET : AF_INET6;
    addr->length =
        is_v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    cz_addr_set_port(addr, port);
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

void cz_addr_set_port(struct cz_addr *addr, uint16_t port)
{
    if (addr->u.any.sa_family == AF_INET)
        addr_v4(addr)->sin_port = htons(port);
    else if (addr->u.any.sa_family == AF_INET6)
        addr_v6(addr)->sin6_port = htons(port);
}

int cz_addr_ip(const struct cz_addr *addr, uint8_t ip[CZ_ADDR_IP_SIZE])
{
    static const uint8_t mapped[CZ_ADDR_IP_SIZE] = {[10] = 0xff, [11] = 0xff};

    memcpy(ip, mapped, sizeof mapped);
    if (addr->u.any.sa_family == AF_INET)
        memcpy(ip + 12, &addr_v4(addr)->sin_addr, 4);
    else if (addr->u.any.sa_family == AF_INET6)
        memcpy(ip, &addr_v6(addr)->sin6_addr, CZ_ADDR_IP_SIZE);
    else
        return -EAFNOSUPPORT;
    return 0;
}

bool cz_addr_is_loopback(const struct cz_addr *addr)
{
    static const uint8_t v4[13] = {[10] = 0xff, [11] = 0xff, [12] = 127};
    static const uint8_t v6[CZ_ADDR_IP_SIZE] = {[15] = 1};
    uint8_t ip[CZ_ADDR_IP_SIZE];

    return cz_addr_ip(addr, ip) == 0 &&
           (memcmp(ip, v4, sizeof v4) == 0 || memcmp(ip, v6, sizeof v6) == 0);
}

bool cz_addr_is_any(const struct cz_addr *addr)
{
    static const uint8_t v4[CZ_ADDR_IP_SIZE] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t v6[CZ_ADDR_IP_SIZE] = {0};
    uint8_t ip[CZ_ADDR_IP_SIZE];

    return cz_addr_ip(addr, ip) == 0 &&
           (memcmp(ip, v4, sizeof v4) == 0 || memcmp(ip, v6, sizeof v6) == 0);
}

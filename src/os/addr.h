/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Socket addresses: made from numbers, names and paths, and shown as text.
 */
#ifndef CZ_OS_ADDR_H
#define CZ_OS_ADDR_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct cz_addr {
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
        struct sockaddr_un un;
    } u;
};

/* Enough for "[v6 address%zone]:port" and for any ipc path, with its NUL. */
enum { CZ_ADDR_TEXT_MAX = 160 };

enum cz_addr_family_rule {
    CZ_ADDR_IPV4,      /* ZMQ_IPV6 = 0: IPv4 only */
    CZ_ADDR_IPV6_DUAL, /* ZMQ_IPV6 = 1: IPv6, with IPv4 as v4-mapped */
};

/* The "any" address of the family with this port. */
void cz_addr_any(struct cz_addr *addr, enum cz_addr_family_rule rule,
                 uint16_t port);

/* A numeric host ("127.0.0.1", "::1", "fe80::1%eth0"; no brackets).
 * 0, or -EINVAL if it is not numeric or not of an allowed family. */
CZ_MUST_CHECK int cz_addr_numeric(struct cz_addr *addr, const char *host,
                                  uint16_t port, enum cz_addr_family_rule rule);

/* The first address of a network interface. 0 or -ENODEV. */
CZ_MUST_CHECK int cz_addr_interface(struct cz_addr *addr, const char *name,
                                    uint16_t port,
                                    enum cz_addr_family_rule rule);

/* Asks the resolver and takes its first answer. BLOCKS, possibly for many
 * seconds: never call it on an I/O thread. 0 or -ENODEV, -ENOMEM. */
CZ_MUST_CHECK int cz_addr_resolve(struct cz_addr *addr, const char *host,
                                  uint16_t port, enum cz_addr_family_rule rule);

/* A file-system path or, beginning with '@', a name in Linux's abstract
 * name space. 0, -ENAMETOOLONG (108 bytes or more) or -EINVAL (empty). */
CZ_MUST_CHECK int cz_addr_ipc(struct cz_addr *addr, const char *path);

/* "127.0.0.1:80", "[::1]:80", "/path", "@name"; always NUL-terminated.
 * Without port and brackets if `with_port` is false. An unnamed ipc address
 * gives "". */
void cz_addr_text(const struct cz_addr *addr, bool with_port,
                  char text[CZ_ADDR_TEXT_MAX]);

/* As IPv6 has it: an IPv4 address is ::ffff:a.b.c.d. 0, or -EAFNOSUPPORT. */
enum { CZ_ADDR_IP_SIZE = 16 };
CZ_MUST_CHECK int cz_addr_ip(const struct cz_addr *addr,
                             uint8_t ip[CZ_ADDR_IP_SIZE]);

/* Is it this machine, by its loopback address? */
bool cz_addr_is_loopback(const struct cz_addr *addr);

/* Is it an IP address that stands for all of the machine's? */
bool cz_addr_is_any(const struct cz_addr *addr);

/* The port; 0 for ipc, where setting it does nothing. */
uint16_t cz_addr_port(const struct cz_addr *addr);
void cz_addr_set_port(struct cz_addr *addr, uint16_t port);

#endif

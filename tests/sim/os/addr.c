/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Addresses in the simulated network. The machine has 127.0.0.0/8, ::1 and
 * the interfaces "lo" and "sim0" (192.0.2.1, 2001:db8::1). The resolver
 * takes its time; it knows "localhost" and "host.sim" (192.0.2.1).
 *
 * Thread: the one whose turn it is. Owns: nothing.
 */
#include "os/addr.h"

#include "sim/os/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* The part that asks the system nothing is the library's own. */
#include "../../../src/os/addr.c"

enum { RESOLVE_NS_MAX = 50000000 };

static void addr_from_v4(struct cz_addr *addr, const struct in_addr *v4,
                         enum cz_addr_family_rule rule)
{
    cz_addr_any(addr, rule, 0);
    if (rule == CZ_ADDR_IPV4) {
        addr_v4(addr)->sin_addr = *v4;
        return;
    }
    memset(&addr_v6(addr)->sin6_addr.s6_addr[10], 0xff, 2);
    memcpy(&addr_v6(addr)->sin6_addr.s6_addr[12], v4, sizeof *v4);
}

int cz_addr_numeric(struct cz_addr *addr, const char *host, uint16_t port,
                    enum cz_addr_family_rule rule)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, host, &v4) == 1) {
        addr_from_v4(addr, &v4, rule);
    } else if (rule == CZ_ADDR_IPV6_DUAL &&
               inet_pton(AF_INET6, host, &v6) == 1) {
        cz_addr_any(addr, rule, 0);
        addr_v6(addr)->sin6_addr = v6;
    } else {
        return -EINVAL;
    }
    cz_addr_set_port(addr, port);
    return 0;
}

int cz_addr_interface(struct cz_addr *addr, const char *name, uint16_t port,
                      enum cz_addr_family_rule rule)
{
    bool is_v4 = rule == CZ_ADDR_IPV4;

    if (strcmp(name, "lo") == 0)
        return cz_addr_numeric(addr, is_v4 ? "127.0.0.1" : "::1", port, rule);
    if (strcmp(name, "sim0") == 0)
        return cz_addr_numeric(addr, is_v4 ? "192.0.2.1" : "2001:db8::1", port,
                               rule);
    return -ENODEV;
}

static int addr_look_up(struct cz_addr *addr, const char *host, uint16_t port,
                        enum cz_addr_family_rule rule)
{
    if (sim.names_failing > 0) {
        sim.names_failing--;
        return -ENODEV;
    }
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    else if (strcmp(host, "host.sim") == 0)
        host = "192.0.2.1";
    return cz_addr_numeric(addr, host, port, rule) == 0 ? 0 : -ENODEV;
}

int cz_addr_resolve(struct cz_addr *addr, const char *host, uint16_t port,
                    enum cz_addr_family_rule rule)
{
    uint64_t chance_us = sim_below(SIM_DICE_FAULTS, RESOLVE_NS_MAX) / 1000;

    sim.names_begun++;
    sim_sleep_us(sim.names_delay_us > 0 ? sim.names_delay_us : chance_us);
    sim.names_ended++;
    sim_note("resolve", port, 0);
    return addr_look_up(addr, host, port, rule);
}

void sim_slow_names(uint64_t delay_us, unsigned failing)
{
    sim.names_delay_us = delay_us;
    sim.names_failing = failing;
}

unsigned sim_names_begun(void)
{
    return sim.names_begun;
}

unsigned sim_names_pending(void)
{
    return sim.names_begun - sim.names_ended;
}

/* ---- For the network ---- */

/* IPv4 as v4-mapped, so that there is one kind to compare. */
static struct in6_addr addr_key(const struct cz_addr *addr)
{
    struct cz_addr mapped;

    if (addr->u.any.sa_family == AF_INET6)
        return addr_v6(addr)->sin6_addr;
    addr_from_v4(&mapped, &addr_v4(addr)->sin_addr, CZ_ADDR_IPV6_DUAL);
    return addr_v6(&mapped)->sin6_addr;
}

static bool addr_is_any(const struct cz_addr *addr)
{
    struct in6_addr key = addr_key(addr);
    static const uint8_t any_v4[16] = {[10] = 0xff, [11] = 0xff};

    return IN6_IS_ADDR_UNSPECIFIED(&key) || memcmp(&key, any_v4, 16) == 0;
}

bool sim_addr_serves(const struct cz_addr *bound, const struct cz_addr *wanted)
{
    struct in6_addr bound_key, wanted_key;
    char texts[2][CZ_ADDR_TEXT_MAX];
    bool is_ipc = bound->u.any.sa_family == AF_UNIX;

    if (is_ipc != (wanted->u.any.sa_family == AF_UNIX))
        return false;
    if (is_ipc) {
        cz_addr_text(bound, false, texts[0]);
        cz_addr_text(wanted, false, texts[1]);
        return strcmp(texts[0], texts[1]) == 0;
    }
    if (cz_addr_port(bound) != cz_addr_port(wanted))
        return false;
    bound_key = addr_key(bound);
    wanted_key = addr_key(wanted);
    return addr_is_any(bound) || addr_is_any(wanted) ||
           memcmp(&bound_key, &wanted_key, sizeof bound_key) == 0;
}

bool sim_addr_is_ours(const struct cz_addr *addr)
{
    struct in6_addr key = addr_key(addr);
    char text[INET6_ADDRSTRLEN];

    if (addr_is_any(addr) || IN6_IS_ADDR_LOOPBACK(&key))
        return true;
    if (IN6_IS_ADDR_V4MAPPED(&key) && key.s6_addr[12] == 127)
        return true;
    inet_ntop(AF_INET6, &key, text, sizeof text);
    return strcmp(text, "2001:db8::1") == 0 ||
           strcmp(text, "::ffff:192.0.2.1") == 0;
}

/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The option table.
 *
 * Thread: any. Owns: nothing.
 */
#include "core/options_table.h"

#include <limits.h>

#define AT(field) offsetof(struct cz_options, field)

enum {
    INT = CZ_OPTION_INT,
    BOOL = CZ_OPTION_BOOL,
    FLAG = CZ_OPTION_FLAG,
    WIDE = CZ_OPTION_WIDE,
    SIZE = CZ_OPTION_SIZE,
    TEXT = CZ_OPTION_TEXT,
    KEY = CZ_OPTION_KEY,
    IDS = CZ_OPTION_IDS,
    SERVER = CZ_OPTION_SERVER,
    SPECIAL = CZ_OPTION_SPECIAL,
    SET = CZ_OPTION_SET,
    GET = CZ_OPTION_GET,
    BOTH = CZ_OPTION_BOTH,
};

/* Options that choose a mechanism. */
#define PLAIN .mechanism = CZ_MECHANISM_PLAIN
#define CURVE .mechanism = CZ_MECHANISM_CURVE
#define GSSAPI .mechanism = CZ_MECHANISM_GSSAPI
#define OF_CLIENT .is_for_a_client = true

/* Numbers as in zmq.h; the order is theirs. "no limit" is INT_MAX. */
const struct cz_option_row cz_option_rows[] = {
    {3, SIZE, BOTH, AT(swap), .fallback = 0},
    {4, WIDE, BOTH, AT(affinity), .fallback = 0},
    {5, SPECIAL, BOTH}, /* ROUTING_ID */
    {8, INT, BOTH, AT(rate_kbps), 1, INT_MAX, 100},
    {9, INT, BOTH, AT(recovery_ivl_ms), 0, INT_MAX, 10000},
    {11, INT, BOTH, AT(sndbuf), -1, INT_MAX, -1},
    {12, INT, BOTH, AT(rcvbuf), -1, INT_MAX, -1},
    {17, INT, BOTH, AT(linger_ms), -1, INT_MAX, -1},
    {18, INT, BOTH, AT(reconnect_ivl_ms), -1, INT_MAX, 100},
    {19, INT, BOTH, AT(backlog), 0, INT_MAX, 100},
    {21, INT, BOTH, AT(reconnect_ivl_max_ms), 0, INT_MAX, 0},
    {22, WIDE, BOTH, AT(maxmsgsize), .fallback = -1},
    {23, INT, BOTH, AT(sndhwm), 0, INT_MAX, 1000},
    {24, INT, BOTH, AT(rcvhwm), 0, INT_MAX, 1000},
    {25, INT, BOTH, AT(multicast_hops), 1, INT_MAX, 1},
    {27, INT, BOTH, AT(rcvtimeo_ms), -1, INT_MAX, -1},
    {28, INT, BOTH, AT(sndtimeo_ms), -1, INT_MAX, -1},
    {31, SPECIAL, BOTH}, /* IPV4ONLY */
    {34, INT, BOTH, AT(tcp_keepalive), -1, 1, -1},
    {35, INT, BOTH, AT(tcp_keepalive_cnt), -1, INT_MAX, -1},
    {36, INT, BOTH, AT(tcp_keepalive_idle_s), -1, INT_MAX, -1},
    {37, INT, BOTH, AT(tcp_keepalive_intvl_s), -1, INT_MAX, -1},
    {CZ_OPTION_TCP_ACCEPT_FILTER, SPECIAL, SET, .max = 255},
    {39, BOOL, BOTH, AT(immediate), 0, 1, 0},
    {42, BOOL, BOTH, AT(ipv6), 0, 1, 0},
    {43, SPECIAL, GET}, /* MECHANISM */
    {44, SERVER, BOTH, PLAIN},
    {CZ_OPTION_PLAIN_USERNAME, TEXT, BOTH, .max = 255, PLAIN, OF_CLIENT,
     .empty = CZ_EMPTY_NULL_RESETS},
    {CZ_OPTION_PLAIN_PASSWORD, TEXT, BOTH, .max = 255, PLAIN, OF_CLIENT,
     .empty = CZ_EMPTY_NULL_RESETS},
    {47, SERVER, BOTH, CURVE},
    {CZ_OPTION_CURVE_PUBLICKEY, KEY, BOTH, CURVE},
    {CZ_OPTION_CURVE_SECRETKEY, KEY, BOTH, CURVE},
    {CZ_OPTION_CURVE_SERVERKEY, KEY, BOTH, CURVE, OF_CLIENT},
    {54, BOOL, BOTH, AT(conflate), 0, 1, 0},
    {CZ_OPTION_ZAP_DOMAIN, TEXT, BOTH, .max = 255},
    {57, INT, BOTH, AT(tos), 0, INT_MAX, 0},
    {CZ_OPTION_IPC_FILTER_PID, IDS, SET},
    {CZ_OPTION_IPC_FILTER_UID, IDS, SET},
    {CZ_OPTION_IPC_FILTER_GID, IDS, SET},
    {62, SERVER, BOTH, GSSAPI},
    {CZ_OPTION_GSSAPI_PRINCIPAL, TEXT, BOTH, .max = 255, GSSAPI},
    {CZ_OPTION_GSSAPI_SERVICE_PRINCIPAL, TEXT, BOTH, .max = 255, GSSAPI,
     OF_CLIENT},
    {65, BOOL, BOTH, AT(gssapi_plaintext), 0, 1, 0},
    {66, INT, BOTH, AT(handshake_ivl_ms), 0, INT_MAX, 30000},
    {CZ_OPTION_SOCKS_PROXY, TEXT, BOTH, .max = INT_MAX,
     .empty = CZ_EMPTY_NULL_CLEARS},
    {74, FLAG, BOTH, AT(invert_matching)},
    {75, INT, BOTH, AT(heartbeat_ivl_ms), 0, INT_MAX, 0},
    {76, SPECIAL, BOTH}, /* HEARTBEAT_TTL */
    {77, INT, BOTH, AT(heartbeat_timeout_ms), 0, INT_MAX, -1},
    {79, INT, BOTH, AT(connect_timeout_ms), 0, INT_MAX, 0},
    {80, INT, BOTH, AT(tcp_maxrt_ms), 0, INT_MAX, 0},
    {84, INT, BOTH, AT(multicast_maxtpdu), 1, INT_MAX, 1500},
    {89, INT, BOTH, AT(use_fd), -1, INT_MAX, -1},
    {90, INT, BOTH, AT(gssapi_nametype), 0, 2, 0},
    {91, INT, BOTH, AT(gssapi_service_nametype), 0, 2, 0},
    {CZ_OPTION_BINDTODEVICE, TEXT, BOTH, .max = 16 /* IFNAMSIZ */,
     .empty = CZ_EMPTY_NULL_CLEARS},
    {93, FLAG, BOTH, AT(zap_enforce_domain)},
    {94, FLAG, BOTH, AT(loopback_fastpath)},
    {CZ_OPTION_METADATA, SPECIAL, SET},
    {96, FLAG, BOTH, AT(multicast_loop), .fallback = 1},
    {CZ_OPTION_SOCKS_USERNAME, TEXT, BOTH, .max = 255,
     .empty = CZ_EMPTY_CLEARS},
    {CZ_OPTION_SOCKS_PASSWORD, TEXT, BOTH, .max = 255,
     .empty = CZ_EMPTY_CLEARS},
    {109, INT, BOTH, AT(reconnect_stop), INT_MIN, INT_MAX, 0},
    {112, INT, BOTH, AT(priority), 0, INT_MAX, 0},
    {113, INT, BOTH, AT(busy_poll_us), INT_MIN, INT_MAX, 0},
    {CZ_OPTION_CERO_SWAP_DIR, SPECIAL, BOTH, .max = CZ_SWAP_DIR_MAX},
    {CZ_OPTION_CERO_SWAP_DURABLE, BOOL, BOTH, AT(swap_durable), 0, 1, 0},
    {CZ_OPTION_CERO_SWAP_SYNC, INT, BOTH, AT(swap_sync_ms), -1, INT_MAX, 0},
    {CZ_OPTION_CERO_MAXPARTSSIZE, WIDE, BOTH, AT(maxpartssize), .fallback = -1},
};

const size_t cz_option_row_count = CZ_COUNT_OF(cz_option_rows);

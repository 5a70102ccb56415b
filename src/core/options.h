/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Socket options: where their values are. One table (core/options_table.c)
 * says for each of them its number, type, range, default and place
 * (zmq_setsockopt(3), zmq_getsockopt(3)).
 *
 * A socket has one struct cz_options. Endpoints take a snapshot when they
 * are bound or connected, shared by all their connections, so that a later
 * change affects later endpoints only.
 *
 * Thread: the socket's; a snapshot never changes.
 */
#ifndef CZ_CORE_OPTIONS_H
#define CZ_CORE_OPTIONS_H

#include "base/compiler.h"
#include "core/blobs.h"
#include "os/addr.h"
#include "os/socket.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CZ_ROUTING_ID_MAX = 255, CZ_CURVE_KEY_SIZE = 32 };

/* Security, by the numbers that ZMQ_MECHANISM tells. */
enum {
    CZ_MECHANISM_NULL = 0,
    CZ_MECHANISM_PLAIN = 1,
    CZ_MECHANISM_CURVE = 2,
    CZ_MECHANISM_GSSAPI = 3,
};

/* What is kept among the blobs, by the option's number: texts without a NUL,
 * keys of CZ_CURVE_KEY_SIZE bytes, ids of four bytes each, properties as
 * wire/properties.h has them. */
enum {
    CZ_OPTION_TCP_ACCEPT_FILTER = 38,
    CZ_OPTION_PLAIN_USERNAME = 45,
    CZ_OPTION_PLAIN_PASSWORD = 46,
    CZ_OPTION_CURVE_PUBLICKEY = 48,
    CZ_OPTION_CURVE_SECRETKEY = 49,
    CZ_OPTION_CURVE_SERVERKEY = 50,
    CZ_OPTION_ZAP_DOMAIN = 55,
    CZ_OPTION_IPC_FILTER_PID = 58,
    CZ_OPTION_IPC_FILTER_UID = 59,
    CZ_OPTION_IPC_FILTER_GID = 60,
    CZ_OPTION_GSSAPI_PRINCIPAL = 63,
    CZ_OPTION_GSSAPI_SERVICE_PRINCIPAL = 64,
    CZ_OPTION_SOCKS_PROXY = 68,
    CZ_OPTION_BINDTODEVICE = 92,
    CZ_OPTION_METADATA = 95,
    CZ_OPTION_SOCKS_USERNAME = 99,
    CZ_OPTION_SOCKS_PASSWORD = 100,
    /* CERO_SWAP_DIR, which has no number of its own among zmq.h's. */
    CZ_OPTION_SWAP_DIRECTORY = 250,
};

/* CeroMQ's own, from CERO_SOCKET_OPTION_FIRST on. */
enum {
    CZ_OPTION_CERO_SWAP_DIR = 1100,
    CZ_OPTION_CERO_SWAP_DURABLE = 1101,
    CZ_OPTION_CERO_SWAP_SYNC = 1102,
    CZ_OPTION_CERO_MAXPARTSSIZE = 1103,
};
enum { CZ_SWAP_DIR_MAX = 1023 };

/* ZMQ_NOTIFY_...: a connection begins or ends with an empty message. */
enum {
    CZ_NOTIFY_CONNECT = 1,
    CZ_NOTIFY_DISCONNECT = 2,
    CZ_NOTIFY_ALL = CZ_NOTIFY_CONNECT | CZ_NOTIFY_DISCONNECT,
};

struct cz_options {
    uint64_t affinity;
    int64_t maxmsgsize;
    int64_t maxpartssize; /* CERO_MAXPARTSSIZE */
    int64_t swap;
    int sndhwm;
    int rcvhwm;
    int swap_durable;
    int swap_sync_ms; /* 0 = with each message, -1 = never */
    int sndtimeo_ms;
    int rcvtimeo_ms;
    int linger_ms;
    int sndbuf;
    int rcvbuf;
    int backlog;
    int reconnect_ivl_ms;
    int reconnect_ivl_max_ms;
    int reconnect_stop;
    int handshake_ivl_ms;
    int connect_timeout_ms;
    int heartbeat_ivl_ms;
    int heartbeat_ttl_ms;
    int heartbeat_timeout_ms;
    int immediate;
    int ipv6;
    int tos;
    int priority;
    int busy_poll_us;
    int tcp_keepalive;
    int tcp_keepalive_cnt;
    int tcp_keepalive_idle_s;
    int tcp_keepalive_intvl_s;
    int tcp_maxrt_ms;
    int use_fd;
    int conflate;
    int notify; /* ROUTER_NOTIFY, STREAM_NOTIFY: CZ_NOTIFY_... */
    int invert_matching;
    int gssapi_plaintext;
    int gssapi_nametype;
    int gssapi_service_nametype;
    int zap_enforce_domain;
    /* For transports and systems that this build may not have. */
    int loopback_fastpath;
    int rate_kbps;
    int recovery_ivl_ms;
    int multicast_hops;
    int multicast_maxtpdu;
    int multicast_loop;

    bool probes_router; /* ZMQ_PROBE_ROUTER */
    bool is_raw;        /* STREAM, ZMQ_ROUTER_RAW: no ZMTP at all */
    bool is_server;     /* of the mechanism */
    uint8_t mechanism;  /* CZ_MECHANISM_... */
    uint8_t routing_id[CZ_ROUTING_ID_MAX];
    uint8_t routing_id_size;
    uint8_t socket_type;
    struct cz_blobs *blobs; /* the rest; see above */
    _Atomic uint32_t refs;  /* of a snapshot */
};

void cz_options_init(struct cz_options *options, int socket_type);

/* Of a socket's own options; a snapshot is dropped instead. */
void cz_options_fini(struct cz_options *options);

/* A value that is kept among the blobs, by CZ_OPTION_...; empty if it is not
 * set. It lives until it is set again. */
static inline struct cz_span cz_options_blob(const struct cz_options *options,
                                             uint8_t number)
{
    return cz_blobs_find(options->blobs, number);
}

/* Whether these options want a mechanism that this build has. A socket is
 * never more open than it was told to be: bind and connect fail instead. */
bool cz_options_are_served(const struct cz_options *options);

/* Whether who connects passes ZMQ_TCP_ACCEPT_FILTER; whether there are any of
 * ZMQ_IPC_FILTER_..., and whether it passes one of them. */
bool cz_options_admit_address(const struct cz_options *options,
                              const struct cz_addr *peer);
bool cz_options_filter_processes(const struct cz_options *options);
bool cz_options_admit_process(const struct cz_options *options,
                              const struct cz_sock_credentials *peer,
                              const gid_t *groups, size_t group_count);

/* ZMQ_CONFLATE, for the types that heed it: does a pipe keep only the latest
 * of what the socket sends; of what it receives? Never of subscriptions. */
bool cz_options_conflates_out(const struct cz_options *options);
bool cz_options_conflates_in(const struct cz_options *options);

/* A shared copy with one reference; NULL = no memory. */
struct cz_options *cz_options_snapshot(const struct cz_options *options);
struct cz_options *cz_options_ref(struct cz_options *options);
void cz_options_unref(struct cz_options *options);

/* Options that live in the table. 0, -EINVAL, -ENOTSUP (known, but not built
 * yet: docs/compat.md), or -ENOENT: not in the table, the socket may know it.
 */
CZ_MUST_CHECK int cz_options_set(struct cz_options *options, int number,
                                 const void *value, size_t size);
CZ_MUST_CHECK int cz_options_get(const struct cz_options *options, int number,
                                 void *value, size_t *size);

/* Takes an int as zmq_setsockopt gets it, or a switch, which any number but a
 * negative one sets. 0 or -EINVAL, then nothing has changed. */
CZ_MUST_CHECK int cz_options_take_int(const void *value, size_t size, int min,
                                      int max, int *to);
CZ_MUST_CHECK int cz_options_take_switch(const void *value, size_t size,
                                         bool *to);

/* Stores an int as zmq_getsockopt does: the buffer may be larger than an int,
 * the rest is zeroed. 0 or -EINVAL. */
CZ_MUST_CHECK int cz_options_put_int(int from, void *value, size_t *size);

/* The same for text, with its NUL. */
CZ_MUST_CHECK int cz_options_put_span(struct cz_span from, void *value,
                                      size_t *size);
CZ_MUST_CHECK int cz_options_put_text(const char *from, void *value,
                                      size_t *size);

#endif

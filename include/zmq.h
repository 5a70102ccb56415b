/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The ZeroMQ interface: what libzmq 4.3 offers, call for call and value for
 * value, so that programs written or compiled against libzmq.so.5 run on
 * CeroMQ unchanged. This file is CeroMQ's own text; the numbers are facts
 * of the interface. What only CeroMQ has is in ceromq.h.
 *
 * Draft calls and constants may still change between releases; they are
 * declared if ZMQ_BUILD_DRAFT_API is defined before this file is included.
 * The library exports them always.
 *
 * Unless said otherwise:
 *   - A call returns 0 on success and -1 with errno set on failure; errno
 *     means nothing after a success. Calls that return a pointer give NULL.
 *   - Contexts and messages' buffers may be used by any thread; a socket by
 *     one thread at a time, with a full fence (a mutex, a join) when it
 *     changes hands. SERVER, CLIENT, RADIO, DISH, GATHER, SCATTER, PEER and
 *     CHANNEL lock by themselves.
 *   - A handle that is NULL or dead gives EFAULT (context, poller, timers,
 *     message) or ENOTSOCK (socket).
 *   - After zmq_ctx_term or zmq_ctx_shutdown every call on a socket of that
 *     context, but zmq_close, fails with ETERM, and blocked ones wake.
 *   - Times are milliseconds, sizes bytes; -1 means for ever, or the
 *     system's default.
 *   - What the caller passes in is copied, if not said otherwise.
 * A manual page of the same name, section 3, tells more about each call.
 */
#ifndef __ZMQ_H_INCLUDED__
#define __ZMQ_H_INCLUDED__

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ZMQ_EXPORT
#if defined(__GNUC__) || defined(__clang__)
#define ZMQ_EXPORT __attribute__((visibility("default")))
#else
#define ZMQ_EXPORT
#endif
#endif

/* ---- Version and capabilities ------------------------------------------ */

/* The level of the interface; zmq_version tells the library's at run time. */
#define ZMQ_VERSION_MAJOR 4
#define ZMQ_VERSION_MINOR 3
#define ZMQ_VERSION_PATCH 5
#define ZMQ_MAKE_VERSION(major, minor, patch)                                  \
    ((major)*10000 + (minor)*100 + (patch))
#define ZMQ_VERSION                                                            \
    ZMQ_MAKE_VERSION(ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH)

/* Feature macros that programs test: this header brings stdint.h, zmq_has
 * and the timers; the poller is a draft. */
#define ZMQ_DEFINED_STDINT 1
#define ZMQ_HAS_CAPABILITIES 1
#define ZMQ_HAVE_TIMERS
#ifdef ZMQ_BUILD_DRAFT_API
#define ZMQ_HAVE_POLLER
#endif

/* Stores the library's version. No pointer may be NULL. Cannot fail. */
ZMQ_EXPORT void zmq_version(int *major, int *minor, int *patch);

/* 1 if the library has the capability, else 0. Names, case-sensitive:
 * "ipc" "pgm" "tipc" "norm" "curve" "gssapi" "vmci" "vsock" "draft" "WS"
 * "WSS". Thread-safe. */
ZMQ_EXPORT int zmq_has(const char *capability);

/* ---- Errors ------------------------------------------------------------- */

/* ZeroMQ's own codes start here, far from any system's. */
#define ZMQ_HAUSNUMERO 156384712

/* Codes that a system's errno.h may lack. */
#ifndef ENOTSUP
#define ENOTSUP (ZMQ_HAUSNUMERO + 1)
#endif
#ifndef EPROTONOSUPPORT
#define EPROTONOSUPPORT (ZMQ_HAUSNUMERO + 2)
#endif
#ifndef ENOBUFS
#define ENOBUFS (ZMQ_HAUSNUMERO + 3)
#endif
#ifndef ENETDOWN
#define ENETDOWN (ZMQ_HAUSNUMERO + 4)
#endif
#ifndef EADDRINUSE
#define EADDRINUSE (ZMQ_HAUSNUMERO + 5)
#endif
#ifndef EADDRNOTAVAIL
#define EADDRNOTAVAIL (ZMQ_HAUSNUMERO + 6)
#endif
#ifndef ECONNREFUSED
#define ECONNREFUSED (ZMQ_HAUSNUMERO + 7)
#endif
#ifndef EINPROGRESS
#define EINPROGRESS (ZMQ_HAUSNUMERO + 8)
#endif
#ifndef ENOTSOCK
#define ENOTSOCK (ZMQ_HAUSNUMERO + 9)
#endif
#ifndef EMSGSIZE
#define EMSGSIZE (ZMQ_HAUSNUMERO + 10)
#endif
#ifndef EAFNOSUPPORT
#define EAFNOSUPPORT (ZMQ_HAUSNUMERO + 11)
#endif
#ifndef ENETUNREACH
#define ENETUNREACH (ZMQ_HAUSNUMERO + 12)
#endif
#ifndef ECONNABORTED
#define ECONNABORTED (ZMQ_HAUSNUMERO + 13)
#endif
#ifndef ECONNRESET
#define ECONNRESET (ZMQ_HAUSNUMERO + 14)
#endif
#ifndef ENOTCONN
#define ENOTCONN (ZMQ_HAUSNUMERO + 15)
#endif
#ifndef ETIMEDOUT
#define ETIMEDOUT (ZMQ_HAUSNUMERO + 16)
#endif
#ifndef EHOSTUNREACH
#define EHOSTUNREACH (ZMQ_HAUSNUMERO + 17)
#endif
#ifndef ENETRESET
#define ENETRESET (ZMQ_HAUSNUMERO + 18)
#endif

/* The socket's state does not allow the call now (REQ, REP). */
#define EFSM (ZMQ_HAUSNUMERO + 51)
/* This transport does not carry this type of socket. */
#define ENOCOMPATPROTO (ZMQ_HAUSNUMERO + 52)
/* The context has been terminated or shut down. */
#define ETERM (ZMQ_HAUSNUMERO + 53)
/* There is no I/O thread to do it. */
#define EMTHREAD (ZMQ_HAUSNUMERO + 54)

/* The calling thread's errno, for callers whose errno is another one. */
ZMQ_EXPORT int zmq_errno(void);

/* The text for an error code, ours or the system's. Never NULL; do not
 * free; may be overwritten by the same thread's next strerror. */
ZMQ_EXPORT const char *zmq_strerror(int errnum);

/* ---- Context ------------------------------------------------------------ */

/* Context options, for zmq_ctx_set and zmq_ctx_get: default; range. What
 * concerns threads and limits takes effect only before the first socket. */

/* How many I/O threads: 1; 0 (inproc only) and up. */
#define ZMQ_IO_THREADS 1
/* How many sockets may be open at once: 1023; 1 and up. */
#define ZMQ_MAX_SOCKETS 2
/* The most that ZMQ_MAX_SOCKETS may be; get only. */
#define ZMQ_SOCKET_LIMIT 3
/* Scheduling priority of the I/O threads: -1; 0 and up. Set only: the same
 * number gets ZMQ_SOCKET_LIMIT. */
#define ZMQ_THREAD_PRIORITY 3
/* Scheduling policy of the I/O threads, as in sched.h: -1; 0 and up. */
#define ZMQ_THREAD_SCHED_POLICY 4
/* The largest message that may be sent: INT_MAX; 0 and up. */
#define ZMQ_MAX_MSGSZ 5
/* sizeof (zmq_msg_t); get only. */
#define ZMQ_MSG_T_SIZE 6
/* Adds a CPU to, or removes it from, those that I/O threads may run on;
 * set only; 0 and up. Removing one that is not there: EINVAL. */
#define ZMQ_THREAD_AFFINITY_CPU_ADD 7
#define ZMQ_THREAD_AFFINITY_CPU_REMOVE 8
/* What the names of I/O threads begin with: a number, or with
 * zmq_ctx_set_ext 1 to 16 bytes of text. */
#define ZMQ_THREAD_NAME_PREFIX 9
/* Two socket options are context options too: ZMQ_IPV6, the default of new
 * sockets, and ZMQ_BLOCKY; see there. */

#define ZMQ_IO_THREADS_DFLT 1
#define ZMQ_MAX_SOCKETS_DFLT 1023
#define ZMQ_THREAD_PRIORITY_DFLT -1
#define ZMQ_THREAD_SCHED_POLICY_DFLT -1

/* Creates a context. End it with zmq_ctx_term. No thread starts before the
 * first socket. Errors: EMFILE, ENOMEM. */
ZMQ_EXPORT void *zmq_ctx_new(void);

/* Ends a context: blocked calls wake with ETERM, then it waits until every
 * socket has been closed and its messages are sent or their linger time is
 * over. Errors: EFAULT; EINTR (a signal came: call again). */
ZMQ_EXPORT int zmq_ctx_term(void *context);

/* The waking part of zmq_ctx_term alone: does not wait, frees nothing; may
 * be called again. Errors: EFAULT. */
ZMQ_EXPORT int zmq_ctx_shutdown(void *context);

/* Sets or gets a context option. Get returns the value, or -1. Errors:
 * EFAULT; EINVAL (unknown option, or a value out of its range). */
ZMQ_EXPORT int zmq_ctx_set(void *context, int option, int value);
ZMQ_EXPORT int zmq_ctx_get(void *context, int option);

/* Names from ZeroMQ 2: zmq_ctx_new with ZMQ_IO_THREADS set (EINVAL if it is
 * negative), and twice zmq_ctx_term. */
ZMQ_EXPORT void *zmq_init(int io_threads);
ZMQ_EXPORT int zmq_term(void *context);
ZMQ_EXPORT int zmq_ctx_destroy(void *context);

/* ---- Messages ----------------------------------------------------------- */

/* One part of a message. Opaque; the caller allocates it, never copies it
 * bytewise, and gives it to zmq_msg_close in the end. */
typedef struct zmq_msg_t {
#if defined(__GNUC__) || defined(__clang__)
    unsigned char _[64] __attribute__((aligned(sizeof(void *))));
#else
    union {
        unsigned char bytes[64];
        void *alignment;
    } _;
#endif
} zmq_msg_t;

/* Frees a buffer given to zmq_msg_init_data. Called once, by any thread. */
typedef void(zmq_free_fn)(void *data, void *hint);

/* Properties for zmq_msg_get. */
/* 1 if more parts of the same message follow, else 0. */
#define ZMQ_MORE 1
/* The descriptor that it came in by. Deprecated: it may be closed by now. */
#define ZMQ_SRCFD 2
/* 1 if the content is constant or was ever shared by zmq_msg_copy. */
#define ZMQ_SHARED 3

#ifdef ZMQ_BUILD_DRAFT_API
/* Properties for zmq_msg_gets. Others: "Identity", what the peer or the
 * authenticator announced ("X-..."). */
/* The identity that the peer announced. */
#define ZMQ_MSG_PROPERTY_ROUTING_ID "Routing-Id"
/* The peer's type of socket: "PUSH" and so on. */
#define ZMQ_MSG_PROPERTY_SOCKET_TYPE "Socket-Type"
/* The user as the authenticator named it. */
#define ZMQ_MSG_PROPERTY_USER_ID "User-Id"
/* The peer's numeric address. */
#define ZMQ_MSG_PROPERTY_PEER_ADDRESS "Peer-Address"
#endif

/* Makes an empty message, for zmq_msg_recv or as a move's goal. Always 0. */
ZMQ_EXPORT int zmq_msg_init(zmq_msg_t *msg);

/* Makes a message with room for `size` bytes, whose content is undefined.
 * Errors: ENOMEM. */
ZMQ_EXPORT int zmq_msg_init_size(zmq_msg_t *msg, size_t size);

/* Makes a message of the caller's buffer, without a copy. The library calls
 * free_fn (data, hint) when the last reference goes; with NULL the buffer
 * must stay for ever. Errors: ENOMEM (the buffer is still the caller's). */
ZMQ_EXPORT int zmq_msg_init_data(zmq_msg_t *msg, void *data, size_t size,
                                 zmq_free_fn *free_fn, void *hint);

/* Releases a message. Errors: EFAULT (not initialised, or closed). */
ZMQ_EXPORT int zmq_msg_close(zmq_msg_t *msg);

/* Moves source's content into dest; what dest held is released, and source
 * is empty afterwards. Errors: EFAULT. */
ZMQ_EXPORT int zmq_msg_move(zmq_msg_t *dest, zmq_msg_t *source);

/* Makes dest a copy of source; what dest held is released. Large contents
 * are shared: write to neither afterwards. Errors: EFAULT, ENOMEM. */
ZMQ_EXPORT int zmq_msg_copy(zmq_msg_t *dest, zmq_msg_t *source);

/* The content and its size. The pointer is never NULL, and holds until the
 * message is closed, moved, sent or received into. */
ZMQ_EXPORT void *zmq_msg_data(zmq_msg_t *msg);
ZMQ_EXPORT size_t zmq_msg_size(const zmq_msg_t *msg);

/* As zmq_msg_get (msg, ZMQ_MORE). */
ZMQ_EXPORT int zmq_msg_more(const zmq_msg_t *msg);

/* The value of a property above, or -1. Errors: EINVAL. */
ZMQ_EXPORT int zmq_msg_get(const zmq_msg_t *msg, int property);

/* No property can be set so far. Errors: EINVAL, always. */
ZMQ_EXPORT int zmq_msg_set(zmq_msg_t *msg, int property, int value);

/* The value of a named property, or NULL; it lives as long as the message.
 * Only messages that a ZMTP 3 peer sent have any. Errors: EINVAL. */
ZMQ_EXPORT const char *zmq_msg_gets(const zmq_msg_t *msg, const char *property);

/* ---- Sockets ------------------------------------------------------------ */

/* Types of sockets, for zmq_socket and ZMQ_TYPE; see zmq_socket. */
#define ZMQ_PAIR 0    /* exactly one peer, both ways */
#define ZMQ_PUB 1     /* to all whose subscription matches */
#define ZMQ_SUB 2     /* from all that are connected, by subscription */
#define ZMQ_REQ 3     /* asks one, waits for its answer */
#define ZMQ_REP 4     /* answers whoever asked */
#define ZMQ_DEALER 5  /* to each in turn, from all fairly */
#define ZMQ_ROUTER 6  /* to the one that the first part names */
#define ZMQ_PULL 7    /* from all fairly */
#define ZMQ_PUSH 8    /* to each in turn */
#define ZMQ_XPUB 9    /* PUB that receives the subscriptions */
#define ZMQ_XSUB 10   /* SUB that sends its subscriptions itself */
#define ZMQ_STREAM 11 /* plain TCP peers, by routing id */
/* Names from ZeroMQ 2. */
#define ZMQ_XREQ ZMQ_DEALER
#define ZMQ_XREP ZMQ_ROUTER

/* Flags of sending and receiving; other bits are ignored. */
/* Do not block: EAGAIN instead. */
#define ZMQ_DONTWAIT 1
#define ZMQ_NOBLOCK ZMQ_DONTWAIT
/* More parts of this message follow. */
#define ZMQ_SNDMORE 2

/* Creates a socket of one of the types above. End it with zmq_close.
 * Errors: EFAULT, EINVAL (type), EMFILE (too many), ETERM, ENOMEM. */
ZMQ_EXPORT void *zmq_socket(void *context, int type);

/* Closes a socket. Does not block: what is still to be sent goes out behind
 * it for as long as ZMQ_LINGER says. Errors: ENOTSOCK. */
ZMQ_EXPORT int zmq_close(void *socket);

/* Starts or stops listening on an endpoint, "tcp://127.0.0.1:5555" for
 * example; a socket may have many. With a wildcard, ZMQ_LAST_ENDPOINT tells
 * what was chosen. Unbinding leaves accepted connections alone. Errors:
 * ENOTSOCK, ETERM, EINVAL (syntax), EPROTONOSUPPORT, ENOCOMPATPROTO,
 * EMTHREAD, EADDRINUSE, EADDRNOTAVAIL, ENODEV and others of the system;
 * unbind: ENOENT. */
ZMQ_EXPORT int zmq_bind(void *socket, const char *endpoint);
ZMQ_EXPORT int zmq_unbind(void *socket, const char *endpoint);

/* Starts or stops connecting to an endpoint. It happens in the background,
 * again and again if need be: success means that the endpoint makes sense.
 * Errors: ENOTSOCK, ETERM, EINVAL (syntax), EPROTONOSUPPORT, ENOCOMPATPROTO,
 * EMTHREAD; disconnect: ENOENT. */
ZMQ_EXPORT int zmq_connect(void *socket, const char *endpoint);
ZMQ_EXPORT int zmq_disconnect(void *socket, const char *endpoint);

/* Sends a part. Blocks while no peer can take it (or drops it, as the type
 * has it), up to ZMQ_SNDTIMEO. A PUSH, DEALER, PAIR or REQ with 4 MiB of longer
 * messages on their way to the only peer with room is held up below its mark,
 * too, for 2 ms at most and not often if that is of no use: for a fast peer it
 * stays within the cache. Not with ZMQ_DONTWAIT, a timeout of 0, or
 * ZMQ_CONFLATE. Returns `size`, at most INT_MAX. Errors: EAGAIN, ENOTSUP (type
 * cannot send), EFSM, EHOSTUNREACH (unknown peer), EINVAL (parts on a type
 * without them), EINTR, ENOMEM, ENOTSOCK, ETERM. */
ZMQ_EXPORT int zmq_send(void *socket, const void *buffer, size_t size,
                        int flags);

/* As zmq_send, of a buffer that never changes and is never freed: it need
 * not be copied. */
ZMQ_EXPORT int zmq_send_const(void *socket, const void *buffer, size_t size,
                              int flags);

/* Receives a part. Blocks up to ZMQ_RCVTIMEO. What does not fit into the
 * buffer is cut off; returns the part's full size, at most INT_MAX. Errors:
 * EAGAIN, ENOTSUP (type cannot receive), EFSM, EINTR, ENOTSOCK, ETERM. */
ZMQ_EXPORT int zmq_recv(void *socket, void *buffer, size_t size, int flags);

/* As zmq_send, of a message: on success the library takes the content and
 * `msg` is empty; on failure it is the caller's as before. Also EFAULT. */
ZMQ_EXPORT int zmq_msg_send(zmq_msg_t *msg, void *socket, int flags);

/* As zmq_recv, into an initialised message: what it held is released, and
 * nothing is cut off. Also EFAULT. */
ZMQ_EXPORT int zmq_msg_recv(zmq_msg_t *msg, void *socket, int flags);

/* Older names of the two above, with the socket first. */
ZMQ_EXPORT int zmq_sendmsg(void *socket, zmq_msg_t *msg, int flags);
ZMQ_EXPORT int zmq_recvmsg(void *socket, zmq_msg_t *msg, int flags);

/* Sends `count` buffers: with ZMQ_SNDMORE as the parts of one message, else
 * as messages. Returns the size of the last. No manual page. Errors: EINVAL
 * (none), those of zmq_send. */
struct iovec;
ZMQ_EXPORT int zmq_sendiov(void *socket, struct iovec *iov, size_t count,
                           int flags);

/* Receives the parts of a message, at most *count, each into memory that
 * the caller gives to free (iov_base). Returns how many and stores it in
 * *count, also on failure. No manual page. Errors: EINVAL, ENOMEM, those of
 * zmq_recv. */
ZMQ_EXPORT int zmq_recviov(void *socket, struct iovec *iov, size_t *count,
                           int flags);

/* Sets or gets an option of the list below. *size: in, the room; out, what
 * was stored. Errors: EINVAL (unknown, wrong size, out of range, not of
 * this type), ENOTSOCK, ETERM; ZMQ_EVENTS also EINTR. */
ZMQ_EXPORT int zmq_setsockopt(void *socket, int option, const void *value,
                              size_t size);
ZMQ_EXPORT int zmq_getsockopt(void *socket, int option, void *value,
                              size_t *size);

/* ---- Socket options ----------------------------------------------------- */

/*
 * Each says: who can be done with it (s = set, g = get), its C type, its
 * default, then what it means and its range. "int" takes 4 bytes, "int64"
 * and "uint64" 8, "text" and "bytes" their length; a text that is got ends
 * with a NUL that counts. 0/1 is a switch. Unless "at once" stands there, it
 * concerns endpoints bound or connected later. See zmq_setsockopt and
 * zmq_getsockopt.
 */

/* State of the socket. */
/* g int: its type, one of those above. */
#define ZMQ_TYPE 16
/* g int: 1 if more parts of the message just received follow. */
#define ZMQ_RCVMORE 13
/* g int: what can be done without blocking: ZMQ_POLLIN, ZMQ_POLLOUT. */
#define ZMQ_EVENTS 15
/* g zmq_fd_t: becomes readable when ZMQ_EVENTS must be asked again; edge-
 * triggered. Poll it, never read it. Not of thread-safe types: EINVAL. */
#define ZMQ_FD 14
/* g text: the endpoint bound or connected last, wildcards replaced. */
#define ZMQ_LAST_ENDPOINT 32
/* g int: 1 if any thread may use the socket at any time. */
#define ZMQ_THREAD_SAFE 81
/* g int: the mechanism in force, ZMQ_NULL to ZMQ_GSSAPI. */
#define ZMQ_MECHANISM 43

/* Queues and waiting. */
/* sg int, 1000: how many messages may wait per peer to be sent; 0 = no
 * limit. At once. */
#define ZMQ_SNDHWM 23
/* sg int, 1000: the same for received ones. At once. */
#define ZMQ_RCVHWM 24
/* sg int, -1: how long sending may block, ms; -1 = for ever. At once. */
#define ZMQ_SNDTIMEO 28
/* sg int, -1: the same for receiving. At once. */
#define ZMQ_RCVTIMEO 27
/* sg int, -1 (0: SUB, XSUB, DISH): how long unsent messages live on after
 * zmq_close or zmq_disconnect, ms; -1 = until sent. At once. */
#define ZMQ_LINGER 17
/* sg int, 0: 0/1: only the newest message is kept, of one part. PUSH, PULL,
 * PUB, SUB, DEALER. */
#define ZMQ_CONFLATE 54
/* sg int, 0: 0/1: queue messages only for connections that are up. */
#define ZMQ_IMMEDIATE 39
#define ZMQ_DELAY_ATTACH_ON_CONNECT ZMQ_IMMEDIATE
/* Context option (zmq_ctx_set), 1: 0 = new sockets get a linger of 0. */
#define ZMQ_BLOCKY 70

/* Connections. */
/* sg uint64, 0: bit n allows I/O thread n; 0 = any. */
#define ZMQ_AFFINITY 4
/* sg int, 100: how many connections may wait to be accepted. */
#define ZMQ_BACKLOG 19
/* sg int64, -1: the largest part taken from a peer; a larger one closes its
 * connection. -1 = no limit. */
#define ZMQ_MAXMSGSIZE 22
/* sg int, 100: pause before connecting again, ms; -1 = never again. */
#define ZMQ_RECONNECT_IVL 18
/* sg int, 0: the pause doubles up to this, ms; 0 = it stays. */
#define ZMQ_RECONNECT_IVL_MAX 21
/* sg int, 30000: how long a handshake may take, ms; 0 = for ever. */
#define ZMQ_HANDSHAKE_IVL 66
/* sg int, 0: how long a connect may take, ms; 0 = as the system has it. */
#define ZMQ_CONNECT_TIMEOUT 79
/* sg int, 0: a ping is sent after so much silence, ms; 0 = none. */
#define ZMQ_HEARTBEAT_IVL 75
/* sg int, 0: after so much silence the peer shall give up, ms; 0 to
 * 6553599, in steps of 100; 0 = never. */
#define ZMQ_HEARTBEAT_TTL 76
/* sg int, as ZMQ_HEARTBEAT_IVL: how long to wait for anything after a ping,
 * ms. */
#define ZMQ_HEARTBEAT_TIMEOUT 77
/* sg int, -1: use this listening descriptor instead of a new one. */
#define ZMQ_USE_FD 89
/* sg int, as the context's: 0/1: IPv6 beside IPv4. */
#define ZMQ_IPV6 42
/* sg int, 1: the inverse of ZMQ_IPV6. Deprecated. */
#define ZMQ_IPV4ONLY 31

/* TCP and the kernel. */
/* sg int, -1: the kernel's send and receive buffers; -1 = leave. */
#define ZMQ_SNDBUF 11
#define ZMQ_RCVBUF 12
/* sg int, -1: 0/1, -1 = leave: SO_KEEPALIVE. */
#define ZMQ_TCP_KEEPALIVE 34
/* sg int, -1: unanswered probes until it is dead; -1 = leave. */
#define ZMQ_TCP_KEEPALIVE_CNT 35
/* sg int, -1: seconds of silence until the first probe; -1 = leave. */
#define ZMQ_TCP_KEEPALIVE_IDLE 36
/* sg int, -1: seconds between probes; -1 = leave. */
#define ZMQ_TCP_KEEPALIVE_INTVL 37
/* sg int, 0: how long sent data may stay unacknowledged, ms; 0 = leave. */
#define ZMQ_TCP_MAXRT 80
/* sg int, 0: the type-of-service byte of packets. */
#define ZMQ_TOS 57
/* sg text, "": only through this network device; "" = any. */
#define ZMQ_BINDTODEVICE 92
/* sg text, "": host:port of a SOCKS5 proxy for connects; NULL = none. */
#define ZMQ_SOCKS_PROXY 68
/* s text: accept only from this network, "192.0.2.0/24"; may be set many
 * times; NULL = all again. Deprecated: use an authenticator. */
#define ZMQ_TCP_ACCEPT_FILTER 38
/* s pid_t, uid_t, gid_t: over ipc, accept only this process, user, group;
 * may be set many times; NULL = all again. Deprecated. */
#define ZMQ_IPC_FILTER_PID 58
#define ZMQ_IPC_FILTER_UID 59
#define ZMQ_IPC_FILTER_GID 60

/* Identities: REQ, REP, DEALER, ROUTER, STREAM. */
/* sg bytes, "": what this socket is called by ROUTER peers, 1 to 255 bytes.
 * STREAM, g: the id of the peer connected last. */
#define ZMQ_ROUTING_ID 5
#define ZMQ_IDENTITY ZMQ_ROUTING_ID
/* s bytes: what the peer of the next connect is called here, once. ROUTER,
 * REP, STREAM. */
#define ZMQ_CONNECT_ROUTING_ID 61
#define ZMQ_CONNECT_RID ZMQ_CONNECT_ROUTING_ID
/* s int, 0: 0/1: what cannot be delivered is EHOSTUNREACH or EAGAIN instead
 * of dropped. ROUTER. At once. */
#define ZMQ_ROUTER_MANDATORY 33
#define ZMQ_ROUTER_BEHAVIOR ZMQ_ROUTER_MANDATORY
#define ZMQ_FAIL_UNROUTABLE ZMQ_ROUTER_MANDATORY
/* s int, 0: 0/1: a newcomer takes over an identity that is in use. ROUTER.
 * At once. */
#define ZMQ_ROUTER_HANDOVER 56
/* s int, 0: 0/1: peers speak plain TCP. ROUTER. Deprecated: use STREAM. */
#define ZMQ_ROUTER_RAW 41
/* s int, 0: 0/1: greet each new peer with an empty message. REQ, DEALER,
 * ROUTER. */
#define ZMQ_PROBE_ROUTER 51
/* s int, 1: 0/1: an empty message tells of connects and disconnects.
 * STREAM. */
#define ZMQ_STREAM_NOTIFY 73

/* Requests: REQ. At once. */
/* s int, 0: 0/1: mark requests, and drop answers to others. */
#define ZMQ_REQ_CORRELATE 52
/* s int, 0: 0/1: a new request may replace one without an answer. */
#define ZMQ_REQ_RELAXED 53

/* Subscriptions: PUB, SUB, XPUB, XSUB. At once. */
/* s bytes: receive, or no longer, what begins with these bytes; none = all.
 * SUB; XPUB in manual mode. */
#define ZMQ_SUBSCRIBE 6
#define ZMQ_UNSUBSCRIBE 7
/* sg int, 0: 0/1: what does not match goes through, and only that. */
#define ZMQ_INVERT_MATCHING 74
/* s int, 0: 0/1: XPUB receives every subscription, not only new ones. */
#define ZMQ_XPUB_VERBOSE 40
/* s int, 0: 0/1: XPUB receives every unsubscription, too. */
#define ZMQ_XPUB_VERBOSER 78
/* s int, 0: 0/1: a full subscriber is EAGAIN instead of a drop. */
#define ZMQ_XPUB_NODROP 69
/* s int, 0: 0/1: XPUB sets the subscriptions of its peers itself. */
#define ZMQ_XPUB_MANUAL 71
/* s bytes: the first message that each new subscriber gets; none = off. */
#define ZMQ_XPUB_WELCOME_MSG 72

/* Multicast. */
/* sg int, 100: the most that is sent, kbit/s; 1 and up. */
#define ZMQ_RATE 8
/* sg int, 10000: how long what was missed can be had again, ms. */
#define ZMQ_RECOVERY_IVL 9
/* sg int, 1: time to live of packets, in hops; 1 and up. */
#define ZMQ_MULTICAST_HOPS 25
/* sg int, 1500: the largest packet, bytes; 1 and up. */
#define ZMQ_MULTICAST_MAXTPDU 84

/* VMCI, where it was built in. */
/* s uint64: first, least and most size of the stream's buffer. */
#define ZMQ_VMCI_BUFFER_SIZE 85
#define ZMQ_VMCI_BUFFER_MIN_SIZE 86
#define ZMQ_VMCI_BUFFER_MAX_SIZE 87
/* s int, -1: how long a connect may take, ms. */
#define ZMQ_VMCI_CONNECT_TIMEOUT 88

/* Security; see zmq_null, zmq_plain, zmq_curve, zmq_gssapi, section 7. */
/* Mechanisms, for ZMQ_MECHANISM. */
#define ZMQ_NULL 0
#define ZMQ_PLAIN 1
#define ZMQ_CURVE 2
#define ZMQ_GSSAPI 3
/* sg text, "": what the authenticator is asked about, 1 to 255 bytes. */
#define ZMQ_ZAP_DOMAIN 55
/* sg int, 0: 0/1: this side checks passwords. */
#define ZMQ_PLAIN_SERVER 44
/* sg text: who this client is, 1 to 255 bytes each; NULL = no PLAIN. */
#define ZMQ_PLAIN_USERNAME 45
#define ZMQ_PLAIN_PASSWORD 46
/* sg int, 0: 0/1: this side is the one whose key is known beforehand. */
#define ZMQ_CURVE_SERVER 47
/* sg 32 bytes, or 40 characters of Z85 with or without NUL (get: 32, or 41
 * with NUL): this side's keys, and on a client the server's. */
#define ZMQ_CURVE_PUBLICKEY 48
#define ZMQ_CURVE_SECRETKEY 49
#define ZMQ_CURVE_SERVERKEY 50
/* sg int, 0: 0/1: this side is the service. */
#define ZMQ_GSSAPI_SERVER 62
/* sg text, "": this side's principal; on a client, the service's. */
#define ZMQ_GSSAPI_PRINCIPAL 63
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL 64
/* sg int, 0: 0/1: authenticate only, encrypt nothing. */
#define ZMQ_GSSAPI_PLAINTEXT 65
/* sg int, 0: how the two principals are written, one of the next three. */
#define ZMQ_GSSAPI_PRINCIPAL_NAMETYPE 90
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE 91
#define ZMQ_GSSAPI_NT_HOSTBASED 0
#define ZMQ_GSSAPI_NT_USER_NAME 1
#define ZMQ_GSSAPI_NT_KRB5_PRINCIPAL 2

/* The longest name of a group (RADIO, DISH), bytes. */
#define ZMQ_GROUP_MAX_LENGTH 255

/* ---- Monitoring --------------------------------------------------------- */

/* What happens to a socket's connections, and the event's value. */
/* Connected; the descriptor. */
#define ZMQ_EVENT_CONNECTED 0x0001
/* A connect has begun; errno (EINPROGRESS). */
#define ZMQ_EVENT_CONNECT_DELAYED 0x0002
/* A connect will be tried again; in so many ms. */
#define ZMQ_EVENT_CONNECT_RETRIED 0x0004
/* Bound; the listening descriptor. */
#define ZMQ_EVENT_LISTENING 0x0008
/* Could not be bound; errno. */
#define ZMQ_EVENT_BIND_FAILED 0x0010
/* A peer was accepted; the descriptor. */
#define ZMQ_EVENT_ACCEPTED 0x0020
/* A peer could not be accepted; errno. */
#define ZMQ_EVENT_ACCEPT_FAILED 0x0040
/* A listener, or an attempt to connect, was closed; the descriptor. */
#define ZMQ_EVENT_CLOSED 0x0080
/* ... and that failed; errno. */
#define ZMQ_EVENT_CLOSE_FAILED 0x0100
/* A connection was lost; the descriptor. */
#define ZMQ_EVENT_DISCONNECTED 0x0200
/* The last event: monitoring ends; 0. */
#define ZMQ_EVENT_MONITOR_STOPPED 0x0400
/* The handshake failed; errno. */
#define ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL 0x0800
/* The handshake is over: messages can flow; 0. */
#define ZMQ_EVENT_HANDSHAKE_SUCCEEDED 0x1000
/* The peer, or the authenticator, broke the protocol; a code below. */
#define ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL 0x2000
/* The authenticator refused; its status: 300, 400 or 500. */
#define ZMQ_EVENT_HANDSHAKE_FAILED_AUTH 0x4000
#define ZMQ_EVENT_ALL 0xFFFF

/* Values of ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: the peer's handshake, */
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED 0x10000000
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND 0x10000001
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE 0x10000002
#define ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE 0x10000003
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED 0x10000011
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE 0x10000012
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO 0x10000013
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE 0x10000014
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR 0x10000015
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY 0x10000016
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME 0x10000017
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA 0x10000018
#define ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC 0x11000001
#define ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH 0x11000002
/* the authenticator's reply (ZAP), */
#define ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED 0x20000000
#define ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY 0x20000001
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID 0x20000002
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION 0x20000003
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE 0x20000004
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA 0x20000005
/* and WebSocket's. */
#define ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED 0x30000000

/* Sends the socket's events to a PAIR that connects to `endpoint`, an
 * inproc one. Each has two parts: 6 bytes, packed, in the host's order (16
 * bits of event, 32 of value), and the endpoint concerned. A NULL endpoint
 * ends it; a second call replaces the first. Errors: ENOTSOCK, ETERM,
 * EINVAL, EPROTONOSUPPORT (not inproc), EADDRINUSE, EMFILE. */
ZMQ_EXPORT int zmq_socket_monitor(void *socket, const char *endpoint,
                                  int events);

/* ---- Polling ------------------------------------------------------------ */

/* A descriptor of the system. */
typedef int zmq_fd_t;

/* What is wanted, and what there is; the last two only of descriptors. */
#define ZMQ_POLLIN 1
#define ZMQ_POLLOUT 2
#define ZMQ_POLLERR 4
#define ZMQ_POLLPRI 8

/* How many items zmq_poll takes without allocating, at least. */
#define ZMQ_POLLITEMS_DFLT 16

/* One thing to wait for: a socket, or if that is NULL a descriptor. */
typedef struct zmq_pollitem_t {
    void *socket;
    zmq_fd_t fd;
    short events;  /* wanted */
    short revents; /* out: what there is */
} zmq_pollitem_t;

/* Waits until one of the items is ready. Level-triggered. Returns how many
 * are, 0 after `timeout` ms (-1 = for ever). The items are the caller's.
 * Errors: EINVAL (count), EFAULT, ENOTSOCK, ETERM, EINTR. */
ZMQ_EXPORT int zmq_poll(zmq_pollitem_t *items, int count, long timeout);

/* ---- Proxies ------------------------------------------------------------ */

/* Moves messages both ways between two sockets until their context ends,
 * with a copy of each to `capture` unless that is NULL. Returns -1. The
 * sockets stay the caller's. Errors: EFAULT, ETERM, EINTR. */
ZMQ_EXPORT int zmq_proxy(void *frontend, void *backend, void *capture);

/* As zmq_proxy, and obeys "PAUSE", "RESUME", "TERMINATE" and "STATISTICS"
 * that come from `control`. 0 after TERMINATE. */
ZMQ_EXPORT int zmq_proxy_steerable(void *frontend, void *backend, void *capture,
                                   void *control);

/* Name from ZeroMQ 2: zmq_proxy without a capture; the kind is ignored. */
#define ZMQ_STREAMER 1
#define ZMQ_FORWARDER 2
#define ZMQ_QUEUE 3
ZMQ_EXPORT int zmq_device(int kind, void *frontend, void *backend);

/* ---- Keys --------------------------------------------------------------- */

/* Writes `size` bytes as text: 5 characters for every 4 bytes, and a NUL.
 * Returns dest. Errors: EINVAL (size is no multiple of 4). */
ZMQ_EXPORT char *zmq_z85_encode(char *dest, const uint8_t *data, size_t size);

/* The reverse: dest has room for 4 bytes per 5 characters. Returns dest.
 * Errors: EINVAL (length, or a character out of place). */
ZMQ_EXPORT uint8_t *zmq_z85_decode(uint8_t *dest, const char *text);

/* Makes a pair of keys for CURVE, each 40 characters of Z85 and a NUL, in
 * buffers of 41 bytes. Errors: ENOTSUP (built without). */
ZMQ_EXPORT int zmq_curve_keypair(char *public_key, char *secret_key);

/* The public key that belongs to a secret one. Errors: EINVAL, ENOTSUP. */
ZMQ_EXPORT int zmq_curve_public(char *public_key, const char *secret_key);

/* ---- Counters, timers, threads ------------------------------------------ */

/* A counter that any thread may use; starts at 0. NULL: ENOMEM. Destroy
 * frees it and stores NULL. */
ZMQ_EXPORT void *zmq_atomic_counter_new(void);
ZMQ_EXPORT void zmq_atomic_counter_set(void *counter, int value);
/* Adds 1; returns the value before. */
ZMQ_EXPORT int zmq_atomic_counter_inc(void *counter);
/* Takes 1; returns 1 if the value is not 0 now, else 0. */
ZMQ_EXPORT int zmq_atomic_counter_dec(void *counter);
ZMQ_EXPORT int zmq_atomic_counter_value(void *counter);
ZMQ_EXPORT void zmq_atomic_counter_destroy(void **counter);

/* A set of timers that run in the caller's thread. One thread at a time.
 * Errors of all: EFAULT. See zmq_timers. */
typedef void(zmq_timer_fn)(int timer_id, void *arg);
ZMQ_EXPORT void *zmq_timers_new(void);
ZMQ_EXPORT int zmq_timers_destroy(void **timers);
/* Adds a timer that calls `handler` every `interval` ms. Returns its id, 1
 * or more. Errors: ENOMEM. */
ZMQ_EXPORT int zmq_timers_add(void *timers, size_t interval,
                              zmq_timer_fn handler, void *arg);
/* Ends a timer, changes its interval, starts its interval anew. Errors:
 * EINVAL (no such id). */
ZMQ_EXPORT int zmq_timers_cancel(void *timers, int timer_id);
ZMQ_EXPORT int zmq_timers_set_interval(void *timers, int timer_id,
                                       size_t interval);
ZMQ_EXPORT int zmq_timers_reset(void *timers, int timer_id);
/* ms until the next timer is due; -1 if there is none. */
ZMQ_EXPORT long zmq_timers_timeout(void *timers);
/* Calls the handlers of all that are due. */
ZMQ_EXPORT int zmq_timers_execute(void *timers);

/* A stop-watch: microseconds since its start; stop also frees it. Without
 * manual pages, as are the next three. */
ZMQ_EXPORT void *zmq_stopwatch_start(void);
ZMQ_EXPORT unsigned long zmq_stopwatch_intermediate(void *watch);
ZMQ_EXPORT unsigned long zmq_stopwatch_stop(void *watch);

/* Sleeps so many seconds. */
ZMQ_EXPORT void zmq_sleep(int seconds);

/* Starts a thread; close waits for its end and frees the handle. */
typedef void(zmq_thread_fn)(void *arg);
ZMQ_EXPORT void *zmq_threadstart(zmq_thread_fn *function, void *arg);
ZMQ_EXPORT void zmq_threadclose(void *thread);

/* ---- Draft -------------------------------------------------------------- */

#ifdef ZMQ_BUILD_DRAFT_API

/* Types whose messages have one part; any thread may use them at any time
 * (DGRAM: neither). */
#define ZMQ_SERVER 12  /* to the client that the message's id names */
#define ZMQ_CLIENT 13  /* to each in turn, from all fairly */
#define ZMQ_RADIO 14   /* to all that have joined the message's group */
#define ZMQ_DISH 15    /* receives what is sent to its groups */
#define ZMQ_GATHER 16  /* from all fairly */
#define ZMQ_SCATTER 17 /* to each in turn */
#define ZMQ_DGRAM 18   /* datagrams: an address and a body */
#define ZMQ_PEER 19    /* SERVER that connects, too */
#define ZMQ_CHANNEL 20 /* exactly one peer, both ways */

/* Context option. sg, 1: 0/1: bodies may point into what was read. */
#define ZMQ_ZERO_COPY_RECV 10

/* Socket options, written as the stable ones above. */
/* sg int, 0: 0/1: the authenticator is asked only if there is a domain. */
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
/* sg int, 0: Windows' fast path over loopback; without effect elsewhere. */
#define ZMQ_LOOPBACK_FASTPATH 94
/* s text: "X-key:value" for peers to get with zmq_msg_gets; may be set many
 * times, the first value of a key stays. */
#define ZMQ_METADATA 95
/* sg int, 1: 0/1: multicast comes back to this host, too. */
#define ZMQ_MULTICAST_LOOP 96
/* sg int, 0: an empty message of a peer tells of its coming (bit 1) and
 * going (bit 2). ROUTER. */
#define ZMQ_ROUTER_NOTIFY 97
#define ZMQ_NOTIFY_CONNECT 1
#define ZMQ_NOTIFY_DISCONNECT 2
/* s int, 0: 0/1: manual, and the next message goes only to the subscriber
 * received last. XPUB. At once. */
#define ZMQ_XPUB_MANUAL_LAST_VALUE 98
/* sg text, "": who we are to the SOCKS5 proxy, up to 255 bytes each. */
#define ZMQ_SOCKS_USERNAME 99
#define ZMQ_SOCKS_PASSWORD 100
/* sg int, 8192: how much is read, and written, at a time, bytes; 1 and up. */
#define ZMQ_IN_BATCH_SIZE 101
#define ZMQ_OUT_BATCH_SIZE 102
/* s text: TLS of wss: our key and certificate, whom we trust, and the name
 * that the server must show; texts in PEM, not paths. */
#define ZMQ_WSS_KEY_PEM 103
#define ZMQ_WSS_CERT_PEM 104
#define ZMQ_WSS_TRUST_PEM 105
#define ZMQ_WSS_HOSTNAME 106
/* s int, 0: 0/1: trust whom the system trusts. */
#define ZMQ_WSS_TRUST_SYSTEM 107
/* s int, 0: 0/1: only the first part of a message can be a subscription.
 * XPUB, XSUB, PUB. At once. */
#define ZMQ_ONLY_FIRST_SUBSCRIBE 108
/* sg int, 0: when not to connect again, a sum of the next three. */
#define ZMQ_RECONNECT_STOP 109
#define ZMQ_RECONNECT_STOP_CONN_REFUSED 0x1
#define ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED 0x2
#define ZMQ_RECONNECT_STOP_AFTER_DISCONNECT 0x4
/* s bytes, none: what each new peer receives first. */
#define ZMQ_HELLO_MSG 110
/* s bytes, none: what we receive when a peer that we accepted is lost. */
#define ZMQ_DISCONNECT_MSG 111
/* sg int, 0: the kernel's priority of packets; 0 and up. */
#define ZMQ_PRIORITY 112
/* s int, 0: how long the kernel may busy-poll the device, us. */
#define ZMQ_BUSY_POLL 113
/* s bytes, none: what we receive when a peer that we connect to is lost. */
#define ZMQ_HICCUP_MSG 114
/* s int, 0: 0/1: pass on every unsubscription. XSUB. At once. */
#define ZMQ_XSUB_VERBOSE_UNSUBSCRIBE 115
/* g int: how many different subscriptions there are. */
#define ZMQ_TOPICS_COUNT 116
/* sg int, NORM multicast: the kind of congestion control, one of the next
 * five (1); */
#define ZMQ_NORM_MODE 117
#define ZMQ_NORM_FIXED 0
#define ZMQ_NORM_CC 1
#define ZMQ_NORM_CCL 2
#define ZMQ_NORM_CCE 3
#define ZMQ_NORM_CCE_ECNONLY 4
/* 0/1: ask the sender alone for repairs (0); */
#define ZMQ_NORM_UNICAST_NACK 118
/* kB of buffer (2048); bytes per segment (1400); */
#define ZMQ_NORM_BUFFER_SIZE 119
#define ZMQ_NORM_SEGMENT_SIZE 120
/* segments per block, 1 to 255 (16); repair segments per block that may be
 * asked for, 0 to 254 (4), and that are sent unasked (0); */
#define ZMQ_NORM_BLOCK_SIZE 121
#define ZMQ_NORM_NUM_PARITY 122
#define ZMQ_NORM_NUM_AUTOPARITY 123
/* 0/1: streams push what is written (0). */
#define ZMQ_NORM_PUSH 124

/* Sets or gets a context option of any type; *size as in zmq_getsockopt.
 * Errors: EFAULT, EINVAL. */
ZMQ_EXPORT int zmq_ctx_set_ext(void *context, int option, const void *value,
                               size_t size);
ZMQ_EXPORT int zmq_ctx_get_ext(void *context, int option, void *value,
                               size_t *size);

/* Joins or leaves a group, a text of up to ZMQ_GROUP_MAX_LENGTH bytes.
 * Errors: ENOTSUP (not DISH), EINVAL (too long; joined already; not
 * joined), ENOTSOCK. */
ZMQ_EXPORT int zmq_join(void *socket, const char *group);
ZMQ_EXPORT int zmq_leave(void *socket, const char *group);

/* As zmq_connect, of a PEER. Returns the peer's routing id, or 0. Errors:
 * ENOTSUP (not PEER), EFAULT (ZMQ_IMMEDIATE is set), those of zmq_connect. */
ZMQ_EXPORT uint32_t zmq_connect_peer(void *socket, const char *endpoint);

/* Ends the connection of a peer of a SERVER or PEER. Errors: ENOTSOCK,
 * ENOTSUP, EHOSTUNREACH (unknown). */
ZMQ_EXPORT int zmq_disconnect_peer(void *socket, uint32_t routing_id);

/* What can be done with a peer of a ROUTER: ZMQ_POLLOUT if it has room.
 * Errors: ENOTSOCK, ENOTSUP, EHOSTUNREACH (unknown). */
ZMQ_EXPORT int zmq_socket_get_peer_state(void *socket, const void *routing_id,
                                         size_t size);

/* The client that a message came from or shall go to; 0 = none. Errors of
 * set: EINVAL (0). */
ZMQ_EXPORT int zmq_msg_set_routing_id(zmq_msg_t *msg, uint32_t routing_id);
ZMQ_EXPORT uint32_t zmq_msg_routing_id(zmq_msg_t *msg);

/* The group of a message, "" at first; what is got lives as long as the
 * message. Errors of set: EINVAL (longer than ZMQ_GROUP_MAX_LENGTH). */
ZMQ_EXPORT int zmq_msg_set_group(zmq_msg_t *msg, const char *group);
ZMQ_EXPORT const char *zmq_msg_group(zmq_msg_t *msg);

/* Makes a message with a copy of the buffer. Errors: ENOMEM. */
ZMQ_EXPORT int zmq_msg_init_buffer(zmq_msg_t *msg, const void *buffer,
                                   size_t size);

/* The lengths of a connection's two queues, outward first: only with
 * version 2 of the events, and after zmq_socket_monitor_pipes_stats. */
#define ZMQ_EVENT_PIPES_STATS 0x10000
#define ZMQ_EVENT_ALL_V1 ZMQ_EVENT_ALL
#define ZMQ_EVENT_ALL_V2 (ZMQ_EVENT_ALL_V1 | ZMQ_EVENT_PIPES_STATS)
#define ZMQ_CURRENT_EVENT_VERSION 1
#define ZMQ_CURRENT_EVENT_VERSION_DRAFT 2

/* As zmq_socket_monitor, to a PAIR, a PUB or a PUSH of ours. Version 2 has
 * a part each for: the event (64 bits), how many values, each value (64
 * bits), the local and the remote endpoint. Also EINVAL (type, version). */
ZMQ_EXPORT int zmq_socket_monitor_versioned(void *socket, const char *endpoint,
                                            uint64_t events, int version,
                                            int type);

/* Asks for a ZMQ_EVENT_PIPES_STATS of each connection. Errors: ENOTSOCK,
 * EINVAL (not monitored), EAGAIN (no connection). */
ZMQ_EXPORT int zmq_socket_monitor_pipes_stats(void *socket);

/* What zmq_poller_wait found: a registration and its events. */
typedef struct zmq_poller_event_t {
    void *socket;
    zmq_fd_t fd;
    void *user_data;
    short events;
} zmq_poller_event_t;

/* A poller: a set of sockets and descriptors to wait for, which are not
 * its own. One thread at a time. All but `new` fail with EFAULT for what is
 * no poller. Remove a socket before it is closed. See zmq_poller. */
ZMQ_EXPORT void *zmq_poller_new(void);
/* Frees it and stores NULL. */
ZMQ_EXPORT int zmq_poller_destroy(void **poller);
/* How many registrations it has. */
ZMQ_EXPORT int zmq_poller_size(void *poller);
/* Registers a socket, changes what is wanted, ends it. Errors: ENOTSOCK,
 * EINVAL (events; there already; not there), ENOMEM, EMFILE. */
ZMQ_EXPORT int zmq_poller_add(void *poller, void *socket, void *user_data,
                              short events);
ZMQ_EXPORT int zmq_poller_modify(void *poller, void *socket, short events);
ZMQ_EXPORT int zmq_poller_remove(void *poller, void *socket);
/* The same for a descriptor. Errors: EBADF (-1), EINVAL, ENOMEM. */
ZMQ_EXPORT int zmq_poller_add_fd(void *poller, zmq_fd_t fd, void *user_data,
                                 short events);
ZMQ_EXPORT int zmq_poller_modify_fd(void *poller, zmq_fd_t fd, short events);
ZMQ_EXPORT int zmq_poller_remove_fd(void *poller, zmq_fd_t fd);
/* Waits up to `timeout` ms for one event; 0. Errors: EAGAIN (time is over),
 * EFAULT (nothing to wait for, and for ever), EINTR, ETERM, ENOMEM. */
ZMQ_EXPORT int zmq_poller_wait(void *poller, zmq_poller_event_t *event,
                               long timeout);
/* The same for up to `count` events; returns how many. Also EINVAL. */
ZMQ_EXPORT int zmq_poller_wait_all(void *poller, zmq_poller_event_t *events,
                                   int count, long timeout);
/* A descriptor that becomes readable when waiting is worth while. Errors:
 * EINVAL (no thread-safe socket among them). */
ZMQ_EXPORT int zmq_poller_fd(void *poller, zmq_fd_t *fd);

/* As zmq_poll, with the signal mask in force while it waits, as in
 * pselect. Errors: ENOTSUP, those of zmq_poll. Strictly standard C has no
 * sigset_t. */
#if defined(_POSIX_C_SOURCE) || !defined(__STRICT_ANSI__)
ZMQ_EXPORT int zmq_ppoll(zmq_pollitem_t *items, int count, long timeout,
                         const sigset_t *sigmask);
#endif

#endif /* ZMQ_BUILD_DRAFT_API */

#ifdef __cplusplus
}
#endif

#endif

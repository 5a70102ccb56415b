/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The programming interface of ZeroMQ 2.1, on top of today's: a program
 * written for 2.1 compiles without a change against this header,
 *
 *     cc -include zmq_compat2.h program.c -lzmq
 *
 * or includes it in the place of zmq.h. It needs nothing but zmq.h, so it
 * serves with any libzmq.so.5; ZMQ_SWAP and endpoints of sys:// are what only
 * CeroMQ has. C89 and C++98 are enough.
 *
 * What differs from zmq.h, all of it by macros and inline functions:
 *
 *   - zmq_send and zmq_recv take (socket, message, flags) and give 0 or -1;
 *   - zmq_poll counts microseconds, not milliseconds;
 *   - zmq_socket gives sockets without high-water marks;
 *   - zmq_setsockopt and zmq_getsockopt know ZMQ_HWM, ZMQ_SWAP,
 *     ZMQ_MCAST_LOOP and ZMQ_RECOVERY_IVL_MSEC, and take and give 2.1's types
 *     and units; options that came later are as in zmq.h;
 *   - ZMQ_VERSION and zmq_version say 2.1.11.
 *
 * Not here: what was inside zmq_msg_t. docs/classic.md tells the rest.
 */
#ifndef ZMQ_COMPAT2_H_INCLUDED
#define ZMQ_COMPAT2_H_INCLUDED

#include "zmq.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#ifdef __GNUC__
#define ZMQ_COMPAT2_INLINE static __inline__
#else
#define ZMQ_COMPAT2_INLINE static inline
#endif

/* Programs for 2.1 that also know later versions ask which one they have. */
#undef ZMQ_VERSION_MAJOR
#undef ZMQ_VERSION_MINOR
#undef ZMQ_VERSION_PATCH
#define ZMQ_VERSION_MAJOR 2
#define ZMQ_VERSION_MINOR 1
#define ZMQ_VERSION_PATCH 11

/* Types of sockets under their first names. */
#define ZMQ_UPSTREAM ZMQ_PULL
#define ZMQ_DOWNSTREAM ZMQ_PUSH

/* Options that 3.0 dropped. */
#define ZMQ_HWM 1                /* uint64_t: messages, 0 = no limit */
#define ZMQ_SWAP 3               /* int64_t: bytes on disk, 0 = none */
#define ZMQ_MCAST_LOOP 10        /* int64_t: 0 or 1 */
#define ZMQ_RECOVERY_IVL_MSEC 20 /* int64_t: milliseconds */

/* ---- versions ------------------------------------------------------- */

ZMQ_COMPAT2_INLINE void zmq_compat2_version(int *major, int *minor, int *patch)
{
    *major = ZMQ_VERSION_MAJOR;
    *minor = ZMQ_VERSION_MINOR;
    *patch = ZMQ_VERSION_PATCH;
}

/* ---- sockets -------------------------------------------------------- */

/* A socket with 2.1's defaults. The linger time is -1 as it was, but for SUB:
 * that sends nothing but subscriptions, which 2.1 never waited for. */
ZMQ_COMPAT2_INLINE void *zmq_compat2_socket(void *context, int type)
{
    void *socket = zmq_socket(context, type);
    int unlimited = 0;
    int error;

    if (!socket)
        return NULL;
    if (zmq_setsockopt(socket, ZMQ_SNDHWM, &unlimited, sizeof unlimited) == 0 &&
        zmq_setsockopt(socket, ZMQ_RCVHWM, &unlimited, sizeof unlimited) == 0)
        return socket;
    error = errno;
    (void)zmq_close(socket);
    errno = error;
    return NULL;
}

ZMQ_COMPAT2_INLINE int zmq_compat2_send(void *socket, zmq_msg_t *message,
                                        int flags)
{
    return zmq_msg_send(message, socket, flags) == -1 ? -1 : 0;
}

ZMQ_COMPAT2_INLINE int zmq_compat2_recv(void *socket, zmq_msg_t *message,
                                        int flags)
{
    return zmq_msg_recv(message, socket, flags) == -1 ? -1 : 0;
}

/* ---- options -------------------------------------------------------- */

/* How an option was kept in 2.1, and what it is now. All of them were of 8
 * bytes, and are ints. */
struct zmq_compat2_option {
    int number;   /* of today */
    int64_t unit; /* of 2.1, counted in today's */
    int64_t none; /* 2.1's value for "leave it to the system", which is -1
                     today; or -1 if it was the same */
};

/* Fills in what an option of 2.1 is today; 0 if that does not differ. */
ZMQ_COMPAT2_INLINE int zmq_compat2_translate(int option,
                                             struct zmq_compat2_option *today)
{
    today->number = option;
    today->unit = 1;
    today->none = -1;
    switch (option) {
    case ZMQ_HWM:
        today->number = ZMQ_SNDHWM;
        return 1;
    case ZMQ_RECOVERY_IVL:
        today->unit = 1000;
        return 1;
    case ZMQ_RECOVERY_IVL_MSEC:
        today->number = ZMQ_RECOVERY_IVL;
        return 1;
    case ZMQ_MCAST_LOOP:
        /* ZMQ_MULTICAST_LOOP, which not every zmq.h has. */
        today->number = 96;
        return 1;
    case ZMQ_SNDBUF:
    case ZMQ_RCVBUF:
        today->none = 0;
        return 1;
    case ZMQ_RATE:
    case ZMQ_RCVMORE:
        return 1;
    default:
        return 0;
    }
}

ZMQ_COMPAT2_INLINE int
zmq_compat2_set_number(void *socket, int option, int64_t value,
                       const struct zmq_compat2_option *today)
{
    int number;

    if (option == ZMQ_RECOVERY_IVL_MSEC && value == -1)
        return 0; /* "as ZMQ_RECOVERY_IVL has it" */
    if (value == today->none) {
        number = -1;
    } else if (value > INT_MAX / today->unit || value < 0) {
        errno = EINVAL;
        return -1;
    } else {
        number = (int)(value * today->unit);
    }
    if (option == ZMQ_HWM &&
        zmq_setsockopt(socket, ZMQ_RCVHWM, &number, sizeof number) == -1)
        return -1;
    return zmq_setsockopt(socket, today->number, &number, sizeof number);
}

ZMQ_COMPAT2_INLINE int zmq_compat2_setsockopt(void *socket, int option,
                                              const void *value, size_t size)
{
    struct zmq_compat2_option today;
    int64_t number;

    if (!zmq_compat2_translate(option, &today))
        return zmq_setsockopt(socket, option, value, size);
    if (!value || size != sizeof number) {
        errno = EINVAL;
        return -1;
    }
    memcpy(&number, value, sizeof number);
    /* A mark was unsigned, and no limit is what the largest ones mean. */
    if (option == ZMQ_HWM && (number < 0 || number > INT_MAX))
        number = 0;
    return zmq_compat2_set_number(socket, option, number, &today);
}

ZMQ_COMPAT2_INLINE int zmq_compat2_getsockopt(void *socket, int option,
                                              void *value, size_t *size)
{
    struct zmq_compat2_option today;
    int64_t number;
    int now;
    size_t now_size = sizeof now;

    if (!zmq_compat2_translate(option, &today))
        return zmq_getsockopt(socket, option, value, size);
    if (!value || !size || *size < sizeof number) {
        errno = EINVAL;
        return -1;
    }
    if (zmq_getsockopt(socket, today.number, &now, &now_size) == -1)
        return -1;
    number = now == -1 ? today.none : now / today.unit;
    memcpy(value, &number, sizeof number);
    *size = sizeof number;
    return 0;
}

/* ---- polling -------------------------------------------------------- */

/* Rounded up, so that nobody polls in a circle for part of a millisecond. */
ZMQ_COMPAT2_INLINE int zmq_compat2_poll(zmq_pollitem_t *items, int count,
                                        long timeout_us)
{
    long timeout_ms = -1;

    if (timeout_us >= 0)
        timeout_ms = timeout_us / 1000 + (timeout_us % 1000 != 0);
    return zmq_poll(items, count, timeout_ms);
}

/* From here on the names mean what they meant. */
#define zmq_version zmq_compat2_version
#define zmq_socket zmq_compat2_socket
#define zmq_send zmq_compat2_send
#define zmq_recv zmq_compat2_recv
#define zmq_setsockopt zmq_compat2_setsockopt
#define zmq_getsockopt zmq_compat2_getsockopt
#define zmq_poll zmq_compat2_poll

#endif

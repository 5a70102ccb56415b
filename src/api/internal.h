/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the functions of zmq.h share: turning handles into objects and
 * results into errno.
 *
 * Thread: the caller's.
 */
#ifndef CZ_API_INTERNAL_H
#define CZ_API_INTERNAL_H

#include "base/compiler.h"
#include "core/ctx.h"
#include "core/socket.h"
#include "msg/msg.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>

/* 0 stays 0, -errno becomes -1 with errno set. */
static inline int api_result(int rc)
{
    if (CZ_LIKELY(rc >= 0))
        return rc;
    errno = -rc;
    return -1;
}

/* The socket behind a handle, or NULL with errno set. */
static inline struct cz_socket *api_socket(void *handle)
{
    struct cz_socket *socket = handle;

    if (CZ_LIKELY(cz_socket_is_alive(socket)))
        return socket;
    errno = ENOTSOCK;
    return NULL;
}

/* The context behind a handle, or NULL with errno set. */
static inline struct cz_ctx *api_ctx(void *handle)
{
    struct cz_ctx *ctx = handle;

    if (cz_ctx_is_alive(ctx))
        return ctx;
    errno = EFAULT;
    return NULL;
}

/* Sizes are returned as int. */
static inline int api_size(size_t size)
{
    return size > INT_MAX ? INT_MAX : (int)size;
}

#endif

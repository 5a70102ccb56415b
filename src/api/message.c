/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Message objects: zmq_msg_*(3).
 *
 * Thread: the one that uses the message.
 */
#ifndef ZMQ_BUILD_DRAFT_API
#define ZMQ_BUILD_DRAFT_API
#endif
#include "api/internal.h"
#include "base/alloc.h"
#include "zmq.h"

#include <string.h>

static struct cz_msg *msg_of(zmq_msg_t *handle)
{
    return (struct cz_msg *)(void *)handle;
}

static const struct cz_msg *const_msg_of(const zmq_msg_t *handle)
{
    return (const struct cz_msg *)(const void *)handle;
}

int zmq_msg_init(zmq_msg_t *msg)
{
    cz_msg_init(msg_of(msg));
    return 0;
}

int zmq_msg_init_size(zmq_msg_t *msg, size_t size)
{
    return api_result(cz_msg_init_size(msg_of(msg), size));
}

int zmq_msg_init_data(zmq_msg_t *msg, void *data, size_t size,
                      zmq_free_fn *free_fn, void *hint)
{
    return api_result(cz_msg_init_data(msg_of(msg), data, size, free_fn, hint));
}

int zmq_msg_init_buffer(zmq_msg_t *msg, const void *data, size_t size)
{
    int rc = cz_msg_init_size(msg_of(msg), size);

    if (rc == 0 && size > 0)
        memcpy(zmq_msg_data(msg), data, size);
    return api_result(rc);
}

int zmq_msg_close(zmq_msg_t *msg)
{
    return api_result(cz_msg_close(msg_of(msg)));
}

int zmq_msg_move(zmq_msg_t *to, zmq_msg_t *from)
{
    return api_result(cz_msg_move(msg_of(to), msg_of(from)));
}

int zmq_msg_copy(zmq_msg_t *to, zmq_msg_t *from)
{
    return api_result(cz_msg_copy(msg_of(to), msg_of(from)));
}

void *zmq_msg_data(zmq_msg_t *msg)
{
    return (void *)(uintptr_t)cz_msg_data(msg_of(msg));
}

size_t zmq_msg_size(const zmq_msg_t *msg)
{
    return cz_msg_size(const_msg_of(msg));
}

int zmq_msg_more(const zmq_msg_t *msg)
{
    return zmq_msg_get(msg, ZMQ_MORE);
}

int zmq_msg_get(const zmq_msg_t *handle, int property)
{
    const struct cz_msg *msg = const_msg_of(handle);
    int fd;

    switch (property) {
    case ZMQ_MORE:
        return msg->flags & CZ_MSG_FLAG_MORE ? 1 : 0;
    case ZMQ_SHARED:
        return msg->kind == CZ_MSG_CONST || msg->flags & CZ_MSG_FLAG_SHARED ? 1
                                                                            : 0;
    case ZMQ_SRCFD:
        fd = msg->metadata ? cz_metadata_fd(msg->metadata) : -1;
        if (fd >= 0)
            return fd;
        break;
    default:
        break;
    }
    errno = EINVAL;
    return -1;
}

int zmq_msg_set(zmq_msg_t *msg CZ_UNUSED, int property CZ_UNUSED,
                int value CZ_UNUSED)
{
    /* There is no property to be set (zmq_msg_set(3)). */
    errno = EINVAL;
    return -1;
}

const char *zmq_msg_gets(const zmq_msg_t *handle, const char *property)
{
    const struct cz_msg *msg = const_msg_of(handle);
    const char *value = NULL;

    if (msg->metadata && property)
        value = cz_metadata_get(msg->metadata, property);
    if (!value)
        errno = EINVAL;
    return value;
}

int zmq_msg_set_routing_id(zmq_msg_t *msg, uint32_t routing_id)
{
    if (routing_id == 0)
        return api_result(-EINVAL);
    msg_of(msg)->routing_id = routing_id;
    return 0;
}

uint32_t zmq_msg_routing_id(zmq_msg_t *msg)
{
    return msg_of(msg)->routing_id;
}

int zmq_msg_set_group(zmq_msg_t *handle, const char *group)
{
    struct cz_msg *msg = msg_of(handle);
    char *copy;

    if (!group || strlen(group) > ZMQ_GROUP_MAX_LENGTH)
        return api_result(-EINVAL);
    copy = cz_strdup(group);
    if (!copy)
        return api_result(-ENOMEM);
    cz_free(msg->group);
    msg->group = copy;
    return 0;
}

const char *zmq_msg_group(zmq_msg_t *handle)
{
    const struct cz_msg *msg = msg_of(handle);

    return msg->group ? msg->group : "";
}

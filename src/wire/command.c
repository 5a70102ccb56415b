/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Command bodies: one table of names, one reader, a builder for each
 * command that the library sends (wire.md 4 to 7).
 *
 * Thread: any. Owns: nothing.
 */
#include "wire/command.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "wire/properties.h"
#include "wire/socket_type.h"

enum { PING_TTL_SIZE = 2, ERROR_REASON_MAX = 255 };

/* Each name with the octet of its size in front, as the body begins. */
#define PREFIX(text)                                                           \
    {                                                                          \
        .bytes = (const uint8_t *)(text), .size = sizeof(text) - 1             \
    }

static const struct cz_span command_prefixes[] = {
    [CZ_COMMAND_READY] = PREFIX("\005READY"),
    [CZ_COMMAND_ERROR] = PREFIX("\005ERROR"),
    [CZ_COMMAND_PING] = PREFIX("\004PING"),
    [CZ_COMMAND_PONG] = PREFIX("\004PONG"),
    [CZ_COMMAND_SUBSCRIBE] = PREFIX("\011SUBSCRIBE"),
    [CZ_COMMAND_CANCEL] = PREFIX("\006CANCEL"),
    [CZ_COMMAND_JOIN] = PREFIX("\004JOIN"),
    [CZ_COMMAND_LEAVE] = PREFIX("\005LEAVE"),
};

/* UNKNOWN has no prefix: rows are looked up from the one after it. */
static enum cz_command_kind command_recognise(struct cz_span body)
{
    for (size_t kind = 1; kind < CZ_COUNT_OF(command_prefixes); kind++) {
        const struct cz_span *prefix = &command_prefixes[kind];

        if (body.size >= prefix->size &&
            memcmp(body.bytes, prefix->bytes, prefix->size) == 0)
            return (enum cz_command_kind)kind;
    }
    return CZ_COMMAND_UNKNOWN;
}

static struct cz_span context_of(struct cz_span data)
{
    if (data.size > CZ_PING_CONTEXT_MAX)
        data.size = CZ_PING_CONTEXT_MAX;
    return data;
}

/* data: reason-size(1) reason; what follows the reason is ignored. */
static void command_read_error(struct cz_zmtp_command *command,
                               struct cz_span data)
{
    if (data.size == 0 || data.bytes[0] > data.size - 1)
        command->is_malformed = true;
    else
        command->data = cz_span(data.bytes + 1, data.bytes[0]);
}

/* data: ttl(2) context. One that is too short is no PING at all, 7. */
static void command_read_ping(struct cz_zmtp_command *command,
                              struct cz_span data)
{
    if (data.size < PING_TTL_SIZE) {
        command->kind = CZ_COMMAND_UNKNOWN;
        return;
    }
    command->ttl_ds = cz_get_be16(data.bytes);
    command->data = context_of(
        cz_span(data.bytes + PING_TTL_SIZE, data.size - PING_TTL_SIZE));
}

enum cz_command_kind cz_command_parse(const uint8_t *body, size_t size,
                                      struct cz_zmtp_command *command)
{
    struct cz_span data = {NULL, 0};

    *command = (struct cz_zmtp_command){
        .kind = command_recognise(cz_span(body, size)),
    };
    if (command->kind != CZ_COMMAND_UNKNOWN) {
        size_t prefix_size = command_prefixes[command->kind].size;

        data = cz_span(body + prefix_size, size - prefix_size);
    }
    if (command->kind == CZ_COMMAND_ERROR)
        command_read_error(command, data);
    else if (command->kind == CZ_COMMAND_PING)
        command_read_ping(command, data);
    else if (command->kind == CZ_COMMAND_PONG)
        command->data = context_of(data);
    else
        command->data = data;
    return command->kind;
}

static struct cz_property ready_socket_type(const struct cz_ready *ready)
{
    const char *name = cz_socket_type_name(ready->socket_type);

    CZ_ASSERT(name != NULL);
    return (struct cz_property){cz_span_of_text("Socket-Type"),
                                cz_span_of_text(name)};
}

static struct cz_property ready_identity(const struct cz_ready *ready)
{
    return (struct cz_property){cz_span_of_text("Identity"), ready->routing_id};
}

size_t cz_command_ready_size(const struct cz_ready *ready)
{
    struct cz_property socket_type = ready_socket_type(ready);
    struct cz_property identity = ready_identity(ready);
    size_t size = command_prefixes[CZ_COMMAND_READY].size +
                  cz_property_size(&socket_type) + ready->properties.size;

    if (cz_socket_type_sends_identity(ready->socket_type))
        size += cz_property_size(&identity);
    return size;
}

size_t cz_command_build_ready(uint8_t *to, size_t capacity,
                              const struct cz_ready *ready)
{
    struct cz_property socket_type = ready_socket_type(ready);
    struct cz_property identity = ready_identity(ready);
    size_t size = cz_command_ready_size(ready);
    const uint8_t *end = to + size;

    if (size > capacity)
        return 0;
    to = cz_span_copy(to, command_prefixes[CZ_COMMAND_READY]);
    to += cz_property_encode(to, (size_t)(end - to), &socket_type);
    if (cz_socket_type_sends_identity(ready->socket_type))
        to += cz_property_encode(to, (size_t)(end - to), &identity);
    to = cz_span_copy(to, ready->properties);
    CZ_ASSERT(to == end);
    return size;
}

size_t cz_command_build_error(uint8_t *to, size_t capacity,
                              struct cz_span reason)
{
    struct cz_span prefix = command_prefixes[CZ_COMMAND_ERROR];
    size_t size = prefix.size + 1 + reason.size;

    if (reason.size > ERROR_REASON_MAX || size > capacity)
        return 0;
    to = cz_span_copy(to, prefix);
    *to++ = (uint8_t)reason.size;
    cz_span_copy(to, reason);
    return size;
}

size_t cz_command_build_ping(uint8_t *to, size_t capacity, uint16_t ttl_ds,
                             struct cz_span context)
{
    struct cz_span prefix = command_prefixes[CZ_COMMAND_PING];
    size_t size;

    context = context_of(context);
    size = prefix.size + PING_TTL_SIZE + context.size;
    if (size > capacity)
        return 0;
    to = cz_span_copy(to, prefix);
    cz_put_be16(to, ttl_ds);
    cz_span_copy(to + PING_TTL_SIZE, context);
    return size;
}

size_t cz_command_build_pong(uint8_t *to, size_t capacity,
                             struct cz_span context)
{
    struct cz_span prefix = command_prefixes[CZ_COMMAND_PONG];
    size_t size;

    context = context_of(context);
    size = prefix.size + context.size;
    if (size > capacity)
        return 0;
    cz_span_copy(cz_span_copy(to, prefix), context);
    return size;
}

size_t cz_command_build_prefix(uint8_t *to, size_t capacity,
                               enum cz_command_kind kind)
{
    bool has_prefix = kind >= CZ_COMMAND_SUBSCRIBE && kind <= CZ_COMMAND_LEAVE;

    if (!has_prefix || command_prefixes[kind].size > capacity)
        return 0;
    cz_span_copy(to, command_prefixes[kind]);
    return command_prefixes[kind].size;
}

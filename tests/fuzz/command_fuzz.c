/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Commands: what is recognised lies within the body, and a command that is
 * built of it begins as the body does.
 *
 * Input: the body of a command frame.
 */
#include "fuzz/check.h"

#include "wire/command.h"

/* Builds the command again; 0 for kinds that have no such builder. */
static size_t rebuild(uint8_t *to, size_t capacity,
                      const struct cz_zmtp_command *command)
{
    size_t size;

    switch (command->kind) {
    case CZ_COMMAND_ERROR:
        return command->is_malformed
                   ? 0
                   : cz_command_build_error(to, capacity, command->data);
    case CZ_COMMAND_PING:
        return cz_command_build_ping(to, capacity, command->ttl_ds,
                                     command->data);
    case CZ_COMMAND_PONG:
        return cz_command_build_pong(to, capacity, command->data);
    case CZ_COMMAND_SUBSCRIBE:
    case CZ_COMMAND_CANCEL:
    case CZ_COMMAND_JOIN:
    case CZ_COMMAND_LEAVE:
        size = cz_command_build_prefix(to, capacity, command->kind);
        CHECK(size > 0 && size + command->data.size == capacity);
        cz_span_copy(to + size, command->data);
        return capacity;
    default:
        return 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t *body = fuzz_copy(bytes, size);
    uint8_t *built = fuzz_copy(bytes, size);
    struct cz_zmtp_command command;
    size_t built_size;

    CHECK(cz_command_parse(body, size, &command) == command.kind);
    if (command.data.size > 0)
        CHECK(command.data.bytes > body &&
              command.data.bytes + command.data.size <= body + size);
    CHECK(command.kind != CZ_COMMAND_UNKNOWN || command.data.size == 0);
    CHECK(!command.is_malformed || command.kind == CZ_COMMAND_ERROR);
    if (size > 0)
        memset(built, 0xa5, size);
    built_size = rebuild(built, size, &command);
    CHECK(built_size <= size && memcmp(built, body, built_size) == 0);
    free(built);
    free(body);
    return 0;
}

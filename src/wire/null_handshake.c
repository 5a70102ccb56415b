/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The NULL mechanism's state machine (wire.md 5.1 and 5.4).
 *
 * Thread: the connection's. Owns: nothing.
 */
#include "wire/null_handshake.h"

#include "base/compiler.h"
#include "wire/command.h"
#include "wire/protocol_error.h"

static struct cz_null_handshake *null_of(struct cz_mechanism *mechanism)
{
    return cz_container_of(mechanism, struct cz_null_handshake, base);
}

static int null_init(struct cz_mechanism *mechanism,
                     const struct cz_mechanism_config *config)
{
    struct cz_null_handshake *null = null_of(mechanism);

    *null = (struct cz_null_handshake){
        .base.ops = &cz_null_mechanism_ops,
        .base.state = CZ_HANDSHAKE_GOING,
        .config = *config,
    };
    return 0;
}

/* Nothing was acquired. */
static void null_fini(struct cz_mechanism *mechanism)
{
    (void)mechanism;
}

static struct cz_ready null_ready(const struct cz_mechanism_config *config)
{
    return (struct cz_ready){
        .socket_type = config->socket_type,
        .routing_id = config->routing_id,
        .properties = config->properties,
    };
}

static void null_check_done(struct cz_null_handshake *null)
{
    if (null->has_sent_ready && null->has_received_ready)
        null->base.state = CZ_HANDSHAKE_READY;
}

static size_t null_output_size(struct cz_mechanism *mechanism)
{
    struct cz_null_handshake *null = null_of(mechanism);
    struct cz_ready ready = null_ready(&null->config);

    if (mechanism->state != CZ_HANDSHAKE_GOING || null->has_sent_ready)
        return 0;
    return cz_command_ready_size(&ready);
}

static void null_output(struct cz_mechanism *mechanism, uint8_t *to)
{
    struct cz_null_handshake *null = null_of(mechanism);
    struct cz_ready ready = null_ready(&null->config);

    cz_command_build_ready(to, cz_command_ready_size(&ready), &ready);
    null->has_sent_ready = true;
    null_check_done(null);
}

static void null_on_ready(struct cz_null_handshake *null,
                          struct cz_span properties)
{
    /* Bad metadata raises no event with this mechanism, 8 row 13. */
    if (cz_mechanism_accept_peer(&null->config, properties) != 0) {
        cz_mechanism_fail(&null->base, CZ_HANDSHAKE_EVENT_NONE, 0);
        return;
    }
    null->has_received_ready = true;
    null_check_done(null);
}

static void null_on_error(struct cz_null_handshake *null,
                          const struct cz_zmtp_command *command)
{
    static const struct {
        const char *reason;
        uint32_t value;
    } statuses[] = {{"300", 300}, {"400", 400}, {"500", 500}};

    cz_mechanism_fail(&null->base, CZ_HANDSHAKE_EVENT_NONE, 0);
    if (command->is_malformed)
        cz_mechanism_fail(&null->base, CZ_HANDSHAKE_EVENT_PROTOCOL,
                          CZ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR);
    for (size_t i = 0; i < CZ_COUNT_OF(statuses); i++) {
        if (cz_span_equals(command->data, cz_span_of_text(statuses[i].reason)))
            cz_mechanism_fail(&null->base, CZ_HANDSHAKE_EVENT_AUTH,
                              statuses[i].value);
    }
}

static void null_feed(struct cz_mechanism *mechanism, struct cz_span body)
{
    struct cz_null_handshake *null = null_of(mechanism);
    struct cz_zmtp_command command;
    enum cz_command_kind kind =
        cz_command_parse(body.bytes, body.size, &command);

    if (kind == CZ_COMMAND_READY && !null->has_received_ready)
        null_on_ready(null, command.data);
    else if (kind == CZ_COMMAND_ERROR && !null->has_received_ready)
        null_on_error(null, &command);
    else
        cz_mechanism_fail(mechanism, CZ_HANDSHAKE_EVENT_PROTOCOL,
                          CZ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
}

const struct cz_mechanism_ops cz_null_mechanism_ops = {
    .name = "NULL",
    .size = sizeof(struct cz_null_handshake),
    .init = null_init,
    .fini = null_fini,
    .feed = null_feed,
    .output_size = null_output_size,
    .output = null_output,
};

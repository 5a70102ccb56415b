/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What all mechanisms check in a peer's properties (wire.md 5.2).
 *
 * Thread: the connection's. Owns: nothing.
 */
#include "wire/mechanism.h"

#include "wire/properties.h"
#include "wire/socket_type.h"

#include <errno.h>

enum { ROUTING_ID_MAX = 255 };

/* Is the peer of a type that the local socket may talk to, 5.3? */
static bool peer_type_fits(int local, struct cz_span name)
{
    return cz_socket_types_match(local, cz_socket_type_number(name));
}

int cz_mechanism_accept_peer(const struct cz_mechanism_config *config,
                             struct cz_span properties)
{
    bool wants_identity = cz_socket_type_takes_identity(config->socket_type);
    struct cz_span routing_id = {NULL, 0};
    struct cz_span rest = properties;
    struct cz_property property;
    int rc;

    while ((rc = cz_properties_next(&rest, &property)) > 0) {
        if (cz_property_is(&property, "Socket-Type")) {
            if (!peer_type_fits(config->socket_type, property.value))
                return -EPROTO;
        } else if (wants_identity && cz_property_is(&property, "Identity")) {
            if (property.value.size > ROUTING_ID_MAX)
                return -EPROTO;
            routing_id = property.value; /* of several, the last one wins */
        }
    }
    if (rc < 0)
        return rc;
    return config->peer->on_peer(config->peer, routing_id, properties);
}

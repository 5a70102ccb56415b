/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Endpoint strings: what may be connected to may be bound and means the
 * same, and an address made of what was found means the same again.
 *
 * Input: an endpoint string.
 */
#include "fuzz/check.h"

#include "wire/endpoint.h"

#include <errno.h>

static void check_same(const struct cz_host_port *a,
                       const struct cz_host_port *b)
{
    CHECK(strcmp(a->host, b->host) == 0);
    CHECK(a->port == b->port);
    CHECK(a->is_any_host == b->is_any_host);
}

static void check_host_port(const struct cz_host_port *found)
{
    char text[CZ_HOST_MAX + 32];
    struct cz_tcp_address again;

    CHECK(memchr(found->host, '\0', sizeof found->host) != NULL);
    CHECK(memchr(found->zone, '\0', sizeof found->zone) != NULL);
    CHECK(strchr(found->host, '%') == NULL || strchr(found->host, ':') != NULL);
    /* A source may have a ';' of its own, which splits elsewhere. */
    if (strchr(found->host, ';') != NULL)
        return;
    snprintf(text, sizeof text, "[%s]:%u", found->host, (unsigned)found->port);
    CHECK(cz_endpoint_parse_tcp_bind(text, &again) == 0);
    check_same(&again.target, found);
}

static void check_tcp(const char *address)
{
    struct cz_tcp_address bound, connected;
    int bind_rc = cz_endpoint_parse_tcp_bind(address, &bound);
    int connect_rc = cz_endpoint_parse_tcp_connect(address, &connected);

    CHECK(bind_rc == 0 || bind_rc == -EINVAL || bind_rc == -ENODEV);
    CHECK(connect_rc == 0 || connect_rc == -EINVAL);
    if (bind_rc == 0) {
        CHECK(!bound.has_source);
        check_host_port(&bound.target);
    }
    if (connect_rc != 0)
        return;
    CHECK(bind_rc == 0);
    check_same(&bound.target, &connected.target);
    CHECK(!connected.target.is_any_host);
    CHECK(connected.has_source == (strchr(address, ';') != NULL));
    if (connected.has_source)
        check_host_port(&connected.source);
}

static void check_ipc(const char *address)
{
    struct cz_ipc_address found;
    int rc = cz_endpoint_parse_ipc(address, &found);

    CHECK((rc == -ENAMETOOLONG) == (strlen(address) > CZ_IPC_PATH_MAX));
    CHECK(rc == 0 || rc == -EINVAL || rc == -ENAMETOOLONG);
    if (rc != 0)
        return;
    CHECK(strcmp(found.path, address) == 0);
    CHECK(found.is_abstract == (address[0] == '@'));
    CHECK(!(found.is_abstract && found.is_wildcard));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    struct cz_endpoint parts;
    int rc;

    CHECK(text != NULL);
    if (size > 0)
        memcpy(text, bytes, size);
    text[size] = '\0';
    check_tcp(text);
    check_ipc(text);
    rc = cz_endpoint_split(text, &parts);
    CHECK(rc == 0 || rc == -EINVAL);
    if (rc == 0) {
        CHECK((const char *)parts.transport.bytes == text);
        CHECK(parts.transport.size > 0 && parts.address[0] != '\0');
        CHECK(parts.address == text + parts.transport.size + 3);
        check_tcp(parts.address);
        check_ipc(parts.address);
    }
    free(text);
    return 0;
}

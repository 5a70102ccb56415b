/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Endpoint strings, taken apart (transports.md 1, 3 and 4).
 *
 * Ports are read strictly, unlike in libzmq, where ":70000" is port 4464:
 * whoever mistypes a port should be told.
 *
 * Thread: any. Owns: nothing.
 */
#include "wire/endpoint.h"

#include <errno.h>
#include <string.h>

int cz_endpoint_split(const char *endpoint, struct cz_endpoint *parts)
{
    static const char separator[] = "://";
    const char *at = strstr(endpoint, separator);

    if (at == NULL || at == endpoint)
        return -EINVAL;
    parts->transport = cz_span(endpoint, (size_t)(at - endpoint));
    parts->address = at + sizeof separator - 1;
    return *parts->address != '\0' ? 0 : -EINVAL;
}

static const uint8_t *find_last(struct cz_span text, char wanted)
{
    for (size_t i = text.size; i > 0; i--) {
        if (text.bytes[i - 1] == (uint8_t)wanted)
            return text.bytes + i - 1;
    }
    return NULL;
}

static struct cz_span before(struct cz_span text, const uint8_t *at)
{
    return cz_span(text.bytes, (size_t)(at - text.bytes));
}

static struct cz_span after(struct cz_span text, const uint8_t *at)
{
    return cz_span(at + 1, text.size - (size_t)(at - text.bytes) - 1);
}

/* The part before the first `end`, or all of the text. */
static struct cz_span up_to(struct cz_span text, char end)
{
    const uint8_t *at =
        text.size > 0 ? memchr(text.bytes, end, text.size) : NULL;

    return at != NULL ? before(text, at) : text;
}

static int parse_port(struct cz_span text, uint16_t *port)
{
    uint32_t value = 0;

    if (cz_span_equals(text, cz_span_of_text("*"))) {
        *port = 0;
        return 0;
    }
    if (text.size == 0)
        return -EINVAL;
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return -EINVAL;
        value = value * 10 + (text.bytes[i] - '0');
        if (value > UINT16_MAX)
            return -EINVAL;
    }
    *port = (uint16_t)value;
    return 0;
}

static bool strip_brackets(struct cz_span *host)
{
    if (host->size < 2 || host->bytes[0] != '[' ||
        host->bytes[host->size - 1] != ']')
        return false;
    *host = cz_span(host->bytes + 1, host->size - 2);
    return true;
}

/* The zone may stand inside the brackets, where RFC 4007 wants it, or
 * behind them. 0, or -ENODEV: too long to be any host's name. */
static int parse_host(struct cz_span text, struct cz_host_port *result)
{
    bool is_stripped = strip_brackets(&text);
    struct cz_span host = up_to(text, '%');
    struct cz_span zone = {NULL, 0};
    char *end;

    if (host.size < text.size)
        zone = after(text, text.bytes + host.size);
    if (!is_stripped)
        strip_brackets(&host);
    if (host.size > CZ_HOST_MAX || zone.size > CZ_ZONE_MAX)
        return -ENODEV;
    *cz_span_copy((uint8_t *)result->zone, zone) = '\0';
    result->is_any_host = cz_span_equals(host, cz_span_of_text("*"));
    end = (char *)cz_span_copy((uint8_t *)result->host, host);
    if (zone.size > 0 && memchr(result->host, ':', host.size) != NULL) {
        if (host.size + 1 + zone.size > CZ_HOST_MAX)
            return -ENODEV;
        *end++ = '%';
        end = (char *)cz_span_copy((uint8_t *)end, zone);
    }
    *end = '\0';
    return 0;
}

/* "host:port", split at the last ':'. */
static int parse_host_port(struct cz_span text, struct cz_host_port *result)
{
    const uint8_t *colon = find_last(text, ':');
    int rc;

    if (colon == NULL)
        return -EINVAL;
    rc = parse_port(after(text, colon), &result->port);
    if (rc != 0)
        return rc;
    return parse_host(before(text, colon), result);
}

int cz_endpoint_parse_tcp_bind(const char *address,
                               struct cz_tcp_address *result)
{
    struct cz_span text = cz_span_of_text(address);
    const uint8_t *semicolon = find_last(text, ';');
    const uint8_t *colon;

    result->has_source = false;
    if (semicolon != NULL) {
        int rc = parse_host_port(before(text, semicolon), &result->source);

        if (rc != 0)
            return rc;
        text = after(text, semicolon);
    }
    colon = find_last(text, ':');
    if (colon == NULL)
        return -EINVAL;
    text.size =
        (size_t)(colon + 1 - text.bytes) + up_to(after(text, colon), '/').size;
    return parse_host_port(text, &result->target);
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_alphanumeric(uint8_t c)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The characters that an address to connect to may consist of, 3.2. */
static bool has_connect_syntax(struct cz_span text)
{
    uint8_t first = text.size > 0 ? text.bytes[0] : '\0';

    if (!is_alphanumeric(first) && first != '[' && first != ':')
        return false;
    for (size_t i = 1; i < text.size; i++) {
        uint8_t c = text.bytes[i];

        if (!is_alphanumeric(c) && strchr(".-:%;[]_*", c) == NULL)
            return false;
    }
    return true;
}

int cz_endpoint_parse_tcp_connect(const char *address,
                                  struct cz_tcp_address *result)
{
    struct cz_span text = cz_span_of_text(address);
    const uint8_t *semicolon = find_last(text, ';');

    if (!has_connect_syntax(text))
        return -EINVAL;
    result->has_source = semicolon != NULL;
    if (semicolon != NULL) {
        if (parse_host_port(before(text, semicolon), &result->source) != 0)
            return -EINVAL;
        text = after(text, semicolon);
    }
    if (parse_host_port(text, &result->target) != 0 ||
        result->target.is_any_host || !is_digit(text.bytes[text.size - 1]))
        return -EINVAL;
    return 0;
}

int cz_endpoint_parse_ipc(const char *address, struct cz_ipc_address *result)
{
    size_t size = strlen(address);

    if (size == 0 || strcmp(address, "@") == 0)
        return -EINVAL;
    if (size > CZ_IPC_PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(result->path, address, size + 1);
    result->is_wildcard = strcmp(address, "*") == 0;
    result->is_abstract = address[0] == '@';
    return 0;
}

/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Endpoint strings (transports.md 1, 3.1, 3.2 and 4), as far as their text
 * decides.
 */
#include "hex.h"

#include "base/compiler.h"
#include "wire/endpoint.h"

#include <errno.h>
#include <stdio.h>

static void endpoints_split_at_the_first_separator(void **state)
{
    static const struct {
        const char *endpoint, *transport, *address;
    } rows[] = {
        {"tcp://127.0.0.1:5555", "tcp", "127.0.0.1:5555"},
        {"inproc://a", "inproc", "a"},
        {"inproc://a://b", "inproc", "a://b"},
        {"ipc:///tmp/x", "ipc", "/tmp/x"},
        {"ipc://://", "ipc", "://"},
        {"TCP://x", "TCP", "x"},
        {" tcp://x", " tcp", "x"},
        {"a:///", "a", "/"},
        {":://x", ":", "x"},
    };

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(rows); i++) {
        struct cz_endpoint parts;

        assert_int_equal(cz_endpoint_split(rows[i].endpoint, &parts), 0);
        assert_true(cz_span_equals(parts.transport,
                                   cz_span_of_text(rows[i].transport)));
        assert_string_equal(parts.address, rows[i].address);
    }
}

static void endpoints_need_both_parts(void **state)
{
    const char *endpoints[] = {
        "",       ":",      "://",    "tcp",  "tcp:",    "tcp:/",
        "tcp:/x", "tcp//x", "tcp://", "://x", ":// ://", "127.0.0.1:5555",
    };

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(endpoints); i++) {
        struct cz_endpoint parts;

        assert_int_equal(cz_endpoint_split(endpoints[i], &parts), -EINVAL);
    }
}

/* rc of bind, rc of connect, and the target where either is 0. */
static const struct {
    const char *address;
    int bind, connect;
    const char *host;
    uint16_t port;
} addresses[] = {
    /* The rows of transports.md 3.2. ENODEV is for the resolver to find. */
    {"127.0.0.1", -EINVAL, -EINVAL, NULL, 0},
    {"127.0.0.1:", -EINVAL, -EINVAL, NULL, 0},
    {"*", -EINVAL, -EINVAL, NULL, 0},
    {"127.0.0.1:*", 0, -EINVAL, "127.0.0.1", 0},
    {"127.0.0.1:0", 0, 0, "127.0.0.1", 0},
    {"*:5555", 0, -EINVAL, "*", 5555},
    {"*:*", 0, -EINVAL, "*", 0},
    {"lo:*", 0, -EINVAL, "lo", 0},
    {"localhost:*", 0, -EINVAL, "localhost", 0},
    {"127.0.0.1:abc", -EINVAL, -EINVAL, NULL, 0},
    {"256.1.1.1:5555", 0, 0, "256.1.1.1", 5555},
    {"no-such-host:5555", 0, 0, "no-such-host", 5555},
    {"192.0.2.1:5555", 0, 0, "192.0.2.1", 5555},
    {"bad!host:5555", 0, -EINVAL, "bad!host", 5555},
    {"a b:5", 0, -EINVAL, "a b", 5},
    {"host:5555/path", 0, -EINVAL, "host", 5555},
    {"lo:0;127.0.0.1:5556", 0, 0, "127.0.0.1", 5556},
    /* Ports, strictly. */
    {"h:1", 0, 0, "h", 1},
    {"h:65535", 0, 0, "h", 65535},
    {"h:00080", 0, 0, "h", 80},
    {"h:65536", -EINVAL, -EINVAL, NULL, 0},
    {"h:70000", -EINVAL, -EINVAL, NULL, 0},
    {"h:4294967376", -EINVAL, -EINVAL, NULL, 0},
    {"h:18446744073709551696", -EINVAL, -EINVAL, NULL, 0},
    {"h:5x5", -EINVAL, -EINVAL, NULL, 0},
    {"h:0x10", -EINVAL, -EINVAL, NULL, 0},
    {"h:-1", -EINVAL, -EINVAL, NULL, 0},
    {"h:+1", -EINVAL, -EINVAL, NULL, 0},
    {"h: 1", -EINVAL, -EINVAL, NULL, 0},
    {"h:1 ", -EINVAL, -EINVAL, NULL, 0},
    {"h:*5", -EINVAL, -EINVAL, NULL, 0},
    {"h:**", -EINVAL, -EINVAL, NULL, 0},
    {"h:5*", -EINVAL, -EINVAL, NULL, 0},
    {"h:/5", -EINVAL, -EINVAL, NULL, 0},
    {"h:*/path", 0, -EINVAL, "h", 0},
    {"h/path:5", 0, -EINVAL, "h/path", 5},
    /* Hosts. */
    {":5555", 0, 0, "", 5555},
    {"::1:5555", 0, 0, "::1", 5555},
    {"[::1]:5555", 0, 0, "::1", 5555},
    {"[::]:*", 0, -EINVAL, "::", 0},
    {"[]:5", 0, 0, "", 5},
    {"[127.0.0.1]:5", 0, 0, "127.0.0.1", 5},
    {"[::1:5", 0, 0, "[::1", 5},
    {"h]:5", 0, 0, "h]", 5},
    {"[:5", 0, 0, "[", 5},
    {"[*]:5", 0, -EINVAL, "*", 5},
    {"_h:5", 0, -EINVAL, "_h", 5},
    {".h:5", 0, -EINVAL, ".h", 5},
    {"h_-.x:5", 0, 0, "h_-.x", 5},
    {"h\x80:5", 0, -EINVAL, "h\x80", 5},
    {"h\n:5", 0, -EINVAL, "h\n", 5},
    {"", -EINVAL, -EINVAL, NULL, 0},
    {":", -EINVAL, -EINVAL, NULL, 0},
    {"/", -EINVAL, -EINVAL, NULL, 0},
    /* Sources. */
    {"*:0;h:5", 0, -EINVAL, "h", 5},
    {"[*]:*;h:5", 0, 0, "h", 5},
    {"lo:*;h:5", 0, 0, "h", 5},
    {"lo:0;", -EINVAL, -EINVAL, NULL, 0},
    {"lo;h:5", -EINVAL, -EINVAL, NULL, 0},
    {"lo:x;h:5", -EINVAL, -EINVAL, NULL, 0},
    {";h:5", -EINVAL, -EINVAL, NULL, 0},
    {"a:1;b:2;h:5", 0, 0, "h", 5},
};

/* A copy in a block of its own size, so that a sanitizer sees over-reads. */
static char *exact_text(const char *text)
{
    return (char *)hex_exact(text, strlen(text) + 1);
}

static void expect_target(const struct cz_tcp_address *result, size_t i)
{
    assert_string_equal(result->target.host, addresses[i].host);
    assert_int_equal(result->target.port, addresses[i].port);
    assert_int_equal(result->target.is_any_host,
                     strcmp(addresses[i].host, "*") == 0);
}

static void tcp_addresses_to_bind_are_judged_by_their_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(addresses); i++) {
        char *text = exact_text(addresses[i].address);
        struct cz_tcp_address result;
        int rc = cz_endpoint_parse_tcp_bind(text, &result);

        if (rc != addresses[i].bind)
            fail_msg("bind %s gives %d", text, rc);
        if (rc == 0) {
            expect_target(&result, i);
            assert_false(result.has_source);
        }
        free(text);
    }
}

static void tcp_addresses_to_connect_are_judged_by_their_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(addresses); i++) {
        char *text = exact_text(addresses[i].address);
        struct cz_tcp_address result;
        int rc = cz_endpoint_parse_tcp_connect(text, &result);

        if (rc != addresses[i].connect)
            fail_msg("connect %s gives %d", text, rc);
        if (rc == 0) {
            expect_target(&result, i);
            assert_int_equal(result.has_source, strchr(text, ';') != NULL);
        }
        free(text);
    }
}

static void sources_are_told_apart(void **state)
{
    struct cz_tcp_address result;

    (void)state;
    assert_int_equal(cz_endpoint_parse_tcp_connect("[::1]:17;[::2]:5", &result),
                     0);
    assert_true(result.has_source);
    assert_string_equal(result.source.host, "::1");
    assert_int_equal(result.source.port, 17);
    assert_false(result.source.is_any_host);
    assert_string_equal(result.target.host, "::2");
    assert_int_equal(result.target.port, 5);
    assert_int_equal(cz_endpoint_parse_tcp_connect("[*]:*;h:5", &result), 0);
    assert_true(result.source.is_any_host);
    assert_int_equal(result.source.port, 0);
}

static void zones_stay_with_ipv6_numbers_only(void **state)
{
    static const struct {
        const char *address, *host, *zone;
    } rows[] = {
        {"[fe80::1%eth0]:5", "fe80::1%eth0", "eth0"},
        {"[fe80::1]%eth0:5", "fe80::1%eth0", "eth0"},
        {"fe80::1%2:5", "fe80::1%2", "2"},
        {"fe80::1%:5", "fe80::1", ""},
        {"127.0.0.1%lo:5", "127.0.0.1", "lo"},
        {"h%a%b:5", "h", "a%b"},
        {"h:5", "h", ""},
    };

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(rows); i++) {
        struct cz_tcp_address result;

        assert_int_equal(
            cz_endpoint_parse_tcp_connect(rows[i].address, &result), 0);
        assert_string_equal(result.target.host, rows[i].host);
        assert_string_equal(result.target.zone, rows[i].zone);
    }
    {
        struct cz_tcp_address any;

        assert_int_equal(cz_endpoint_parse_tcp_bind("*%lo:5", &any), 0);
        assert_true(any.target.is_any_host);
        assert_string_equal(any.target.zone, "lo");
    }
}

static void expect_lengths(const char *text, int bind, int connect)
{
    struct cz_tcp_address result;

    assert_int_equal(cz_endpoint_parse_tcp_bind(text, &result), bind);
    assert_int_equal(cz_endpoint_parse_tcp_connect(text, &result), connect);
}

static void hosts_and_zones_have_a_longest(void **state)
{
    char text[600];
    char many[600];

    (void)state;
    memset(many, 'h', sizeof many);
    snprintf(text, sizeof text, "%.255s:5", many);
    expect_lengths(text, 0, 0);
    snprintf(text, sizeof text, "%.256s:5", many);
    expect_lengths(text, -ENODEV, -EINVAL);
    snprintf(text, sizeof text, "[%.255s]:5", many);
    expect_lengths(text, 0, 0);
    snprintf(text, sizeof text, "h%%%.63s:5", many);
    expect_lengths(text, 0, 0);
    snprintf(text, sizeof text, "h%%%.64s:5", many);
    expect_lengths(text, -ENODEV, -EINVAL);
    /* Together they must fit, where they stay together. */
    snprintf(text, sizeof text, "%.250s::%%%.2s:5", many, many);
    expect_lengths(text, 0, 0);
    snprintf(text, sizeof text, "%.250s::%%%.3s:5", many, many);
    expect_lengths(text, -ENODEV, -EINVAL);
    snprintf(text, sizeof text, "%.500s:5;h:5", many);
    expect_lengths(text, -ENODEV, -EINVAL);
}

/* Nothing is read or written out of bounds, whatever is cut off. */
static void truncation_at_every_byte_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(addresses); i++) {
        for (size_t size = 0; size <= strlen(addresses[i].address); size++) {
            char *text = (char *)hex_exact(addresses[i].address, size + 1);
            struct cz_tcp_address result;
            int rc;

            text[size] = '\0';
            rc = cz_endpoint_parse_tcp_connect(text, &result);
            assert_true(rc == 0 || rc == -EINVAL);
            /* What may be connected to may be bound, too. */
            if (rc == 0)
                assert_int_equal(cz_endpoint_parse_tcp_bind(text, &result), 0);
            free(text);
        }
    }
}

static void ipc_paths_are_taken_as_they_are(void **state)
{
    static const struct {
        const char *address;
        bool is_wildcard, is_abstract;
    } rows[] = {
        {"/tmp/x", false, false},
        {"x", false, false},
        {"*", true, false},
        {"*x", false, false},
        {"@a", false, true},
        {"@@", false, true},
        {"@*", false, true},
        {"a@", false, false},
        {"/tmp/a b:c;d", false, false},
    };

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(rows); i++) {
        struct cz_ipc_address result;

        assert_int_equal(cz_endpoint_parse_ipc(rows[i].address, &result), 0);
        assert_string_equal(result.path, rows[i].address);
        assert_int_equal(result.is_wildcard, rows[i].is_wildcard);
        assert_int_equal(result.is_abstract, rows[i].is_abstract);
    }
}

static void ipc_needs_a_name(void **state)
{
    struct cz_ipc_address result;

    (void)state;
    assert_int_equal(cz_endpoint_parse_ipc("", &result), -EINVAL);
    assert_int_equal(cz_endpoint_parse_ipc("@", &result), -EINVAL);
}

static void ipc_paths_of_108_bytes_are_too_long(void **state)
{
    (void)state;
    for (size_t size = 100; size < 120; size++) {
        for (int is_abstract = 0; is_abstract <= 1; is_abstract++) {
            struct cz_ipc_address result;
            char path[128];

            memset(path, 'p', sizeof path);
            path[0] = is_abstract ? '@' : '/';
            path[size] = '\0';
            assert_int_equal(cz_endpoint_parse_ipc(path, &result),
                             size <= 107 ? 0 : -ENAMETOOLONG);
            if (size <= 107)
                assert_string_equal(result.path, path);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_split_at_the_first_separator),
        cmocka_unit_test(endpoints_need_both_parts),
        cmocka_unit_test(tcp_addresses_to_bind_are_judged_by_their_text),
        cmocka_unit_test(tcp_addresses_to_connect_are_judged_by_their_text),
        cmocka_unit_test(sources_are_told_apart),
        cmocka_unit_test(zones_stay_with_ipv6_numbers_only),
        cmocka_unit_test(hosts_and_zones_have_a_longest),
        cmocka_unit_test(truncation_at_every_byte_is_survived),
        cmocka_unit_test(ipc_paths_are_taken_as_they_are),
        cmocka_unit_test(ipc_needs_a_name),
        cmocka_unit_test(ipc_paths_of_108_bytes_are_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Socket addresses: what is accepted, what is refused, and how each is
 * shown.
 *
 * Thread: one. Owns: nothing.
 */
#include "os/addr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

static const char *text_of(const struct cz_addr *addr, bool with_port)
{
    static char text[CZ_ADDR_TEXT_MAX];

    memset(text, '#', sizeof text);
    cz_addr_text(addr, with_port, text);
    return text;
}

static void any_address_has_its_family_and_port(void **state)
{
    struct cz_addr addr;

    (void)state;
    cz_addr_any(&addr, CZ_ADDR_IPV4, 80);
    assert_string_equal(text_of(&addr, true), "0.0.0.0:80");
    assert_int_equal(addr.length, sizeof(struct sockaddr_in));
    assert_int_equal(cz_addr_port(&addr), 80);
    cz_addr_any(&addr, CZ_ADDR_IPV6_DUAL, 65535);
    assert_string_equal(text_of(&addr, true), "[::]:65535");
    assert_int_equal(addr.length, sizeof(struct sockaddr_in6));
    assert_int_equal(cz_addr_port(&addr), 65535);
}

static void numeric_hosts_come_back_as_text(void **state)
{
    static const struct {
        const char *host;
        enum cz_addr_family_rule rule;
        const char *text;
    } cases[] = {
        {"127.0.0.1", CZ_ADDR_IPV4, "127.0.0.1:7"},
        {"255.255.255.255", CZ_ADDR_IPV4, "255.255.255.255:7"},
        {"::1", CZ_ADDR_IPV6_DUAL, "[::1]:7"},
        {"2001:db8::2:1", CZ_ADDR_IPV6_DUAL, "[2001:db8::2:1]:7"},
        {"127.0.0.1", CZ_ADDR_IPV6_DUAL, "[::ffff:127.0.0.1]:7"},
    };
    struct cz_addr addr;
    size_t i;

    (void)state;
    for (i = 0; i < CZ_COUNT_OF(cases); i++) {
        assert_int_equal(
            cz_addr_numeric(&addr, cases[i].host, 7, cases[i].rule), 0);
        assert_string_equal(text_of(&addr, true), cases[i].text);
    }
}

static void text_without_port_has_no_brackets(void **state)
{
    struct cz_addr addr;

    (void)state;
    assert_int_equal(cz_addr_numeric(&addr, "::1", 7, CZ_ADDR_IPV6_DUAL), 0);
    assert_string_equal(text_of(&addr, false), "::1");
    assert_int_equal(cz_addr_numeric(&addr, "10.1.2.3", 7, CZ_ADDR_IPV4), 0);
    assert_string_equal(text_of(&addr, false), "10.1.2.3");
}

static void zones_are_read_and_shown(void **state)
{
    struct cz_addr addr;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&addr.u.any;

    (void)state;
    if (if_nametoindex("lo") == 0)
        skip();
    assert_int_equal(cz_addr_numeric(&addr, "fe80::1%lo", 9, CZ_ADDR_IPV6_DUAL),
                     0);
    assert_int_equal(v6->sin6_scope_id, if_nametoindex("lo"));
    assert_string_equal(text_of(&addr, true), "[fe80::1%lo]:9");
}

static void what_is_not_numeric_is_refused(void **state)
{
    static const struct {
        const char *host;
        enum cz_addr_family_rule rule;
    } cases[] = {
        {"localhost", CZ_ADDR_IPV4},
        {"", CZ_ADDR_IPV4},
        {"256.1.1.1", CZ_ADDR_IPV4},
        {"::1", CZ_ADDR_IPV4},
        {"[::1]", CZ_ADDR_IPV6_DUAL},
        {"::g", CZ_ADDR_IPV6_DUAL},
        {"fe80::1%no-such-zone", CZ_ADDR_IPV6_DUAL},
    };
    struct cz_addr addr;
    size_t i;

    (void)state;
    for (i = 0; i < CZ_COUNT_OF(cases); i++)
        assert_int_equal(
            cz_addr_numeric(&addr, cases[i].host, 7, cases[i].rule), -EINVAL);
}

static void an_interface_gives_its_address(void **state)
{
    struct cz_addr addr;

    (void)state;
    if (if_nametoindex("lo") == 0)
        skip();
    assert_int_equal(cz_addr_interface(&addr, "lo", 5, CZ_ADDR_IPV4), 0);
    assert_string_equal(text_of(&addr, true), "127.0.0.1:5");
    assert_int_equal(cz_addr_interface(&addr, "lo", 5, CZ_ADDR_IPV6_DUAL), 0);
    assert_int_equal(addr.u.any.sa_family, AF_INET6);
    assert_int_equal(cz_addr_port(&addr), 5);
    assert_int_equal(cz_addr_interface(&addr, "nosuch0", 5, CZ_ADDR_IPV4),
                     -ENODEV);
}

static void the_resolver_knows_localhost_and_not_everything(void **state)
{
    struct cz_addr addr;

    (void)state;
    assert_int_equal(cz_addr_resolve(&addr, "localhost", 81, CZ_ADDR_IPV4), 0);
    assert_string_equal(text_of(&addr, true), "127.0.0.1:81");
    assert_int_equal(cz_addr_resolve(&addr, "localhost", 81, CZ_ADDR_IPV6_DUAL),
                     0);
    assert_int_equal(addr.u.any.sa_family, AF_INET6);
    assert_int_equal(cz_addr_resolve(&addr, "a..b", 81, CZ_ADDR_IPV4), -ENODEV);
    assert_int_equal(cz_addr_resolve(&addr, "10.0.0.1", 81, CZ_ADDR_IPV4), 0);
    assert_string_equal(text_of(&addr, true), "10.0.0.1:81");
}

static bool is_loopback(const char *host, enum cz_addr_family_rule rule)
{
    struct cz_addr addr;

    assert_int_equal(cz_addr_numeric(&addr, host, 80, rule), 0);
    return cz_addr_is_loopback(&addr);
}

static void loopback_is_told_from_other_addresses(void **state)
{
    struct cz_addr addr;

    (void)state;
    assert_true(is_loopback("127.0.0.1", CZ_ADDR_IPV4));
    assert_true(is_loopback("127.255.3.4", CZ_ADDR_IPV4));
    assert_true(is_loopback("127.0.0.1", CZ_ADDR_IPV6_DUAL));
    assert_true(is_loopback("::1", CZ_ADDR_IPV6_DUAL));
    assert_false(is_loopback("128.0.0.1", CZ_ADDR_IPV4));
    assert_false(is_loopback("0.0.0.0", CZ_ADDR_IPV4));
    assert_false(is_loopback("::", CZ_ADDR_IPV6_DUAL));
    assert_false(is_loopback("2001:db8::1", CZ_ADDR_IPV6_DUAL));
    assert_int_equal(cz_addr_ipc(&addr, "@name"), 0);
    assert_false(cz_addr_is_loopback(&addr));
}

static void ipc_paths_and_abstract_names_come_back(void **state)
{
    struct cz_addr addr;

    (void)state;
    assert_int_equal(cz_addr_ipc(&addr, "/tmp/a b"), 0);
    assert_string_equal(text_of(&addr, true), "/tmp/a b");
    assert_int_equal(addr.length, offsetof(struct sockaddr_un, sun_path) + 9);
    assert_int_equal(cz_addr_port(&addr), 0);
    assert_int_equal(cz_addr_ipc(&addr, "@name"), 0);
    assert_string_equal(text_of(&addr, false), "@name");
    assert_int_equal(addr.u.un.sun_path[0], '\0');
    assert_int_equal(addr.length, offsetof(struct sockaddr_un, sun_path) + 5);
}

static void ipc_paths_end_at_107_bytes(void **state)
{
    struct cz_addr addr;
    char path[109];

    (void)state;
    assert_int_equal(cz_addr_ipc(&addr, ""), -EINVAL);
    memset(path, 'p', sizeof path);
    path[107] = '\0';
    assert_int_equal(cz_addr_ipc(&addr, path), 0);
    assert_string_equal(text_of(&addr, true), path);
    path[107] = 'p';
    path[108] = '\0';
    assert_int_equal(cz_addr_ipc(&addr, path), -ENAMETOOLONG);
    path[0] = '@';
    assert_int_equal(cz_addr_ipc(&addr, path), -ENAMETOOLONG);
}

/* The kernel may fill all 108 bytes of a path and count no NUL. */
static void ipc_text_survives_what_the_kernel_may_return(void **state)
{
    struct cz_addr addr = {.length = sizeof(sa_family_t)};

    (void)state;
    addr.u.un.sun_family = AF_UNIX;
    assert_string_equal(text_of(&addr, true), "");
    memset(addr.u.un.sun_path, 'q', sizeof addr.u.un.sun_path);
    addr.length = sizeof addr.u.un;
    assert_int_equal(strlen(text_of(&addr, true)), 108);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_address_has_its_family_and_port),
        cmocka_unit_test(numeric_hosts_come_back_as_text),
        cmocka_unit_test(text_without_port_has_no_brackets),
        cmocka_unit_test(zones_are_read_and_shown),
        cmocka_unit_test(what_is_not_numeric_is_refused),
        cmocka_unit_test(an_interface_gives_its_address),
        cmocka_unit_test(the_resolver_knows_localhost_and_not_everything),
        cmocka_unit_test(loopback_is_told_from_other_addresses),
        cmocka_unit_test(ipc_paths_and_abstract_names_come_back),
        cmocka_unit_test(ipc_paths_end_at_107_bytes),
        cmocka_unit_test(ipc_text_survives_what_the_kernel_may_return),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

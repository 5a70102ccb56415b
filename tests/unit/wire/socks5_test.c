/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The client's side of SOCKS5, to the byte, and byte by byte.
 *
 * Thread: one. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/socks5.h"

#include <errno.h>

static const struct cz_socks5_target target = {
    .kind = CZ_SOCKS5_IPV4,
    .address = {(const uint8_t *)"\1\2\3\4", 4},
    .port = 0x1234,
};

#define NO_AUTH "\5\1\0"
#define AUTH "\5\1\2"
#define REQUEST "\5\1\0\1\1\2\3\4\x12\x34"

static void begin(struct cz_socks5 *socks, const char *user,
                  const char *password)
{
    cz_socks5_init(socks, cz_span_of_text(user), cz_span_of_text(password),
                   &target);
}

static void says(struct cz_socks5 *socks, const char *bytes, size_t size)
{
    struct cz_span out = cz_socks5_output(socks);

    assert_int_equal(out.size, size);
    assert_memory_equal(out.bytes, bytes, size);
    cz_socks5_sent(socks, 1);
    out = cz_socks5_output(socks);
    assert_int_equal(out.size, size - 1);
    cz_socks5_sent(socks, out.size);
    assert_int_equal(cz_socks5_output(socks).size, 0);
}

/* Byte by byte; the machine never wants more than there is. The last byte's
 * result. */
static int hears(struct cz_socks5 *socks, const char *bytes, size_t size)
{
    int rc = 0;

    for (size_t i = 0; i < size && rc == 0; i++) {
        assert_in_range(cz_socks5_wanted(socks), 1, size - i);
        rc = cz_socks5_feed(socks, (const uint8_t *)bytes + i, 1);
    }
    return rc;
}

static void without_a_user_there_are_two_steps(void **state)
{
    struct cz_socks5 socks;

    (void)state;
    begin(&socks, "", "");
    says(&socks, NO_AUTH, 3);
    assert_int_equal(hears(&socks, "\5\0", 2), 0);
    says(&socks, REQUEST, 10);
    assert_int_equal(hears(&socks, "\5\0\0\1\0\0\0\0\0\0", 10), 1);
    assert_int_equal(cz_socks5_wanted(&socks), 0);
}

static void a_user_proves_himself(void **state)
{
    struct cz_socks5 socks;

    (void)state;
    begin(&socks, "me", "word");
    says(&socks, AUTH, 3);
    assert_int_equal(hears(&socks, "\5\2", 2), 0);
    says(&socks, "\1\2me\4word", 9);
    assert_int_equal(hears(&socks, "\1\0", 2), 0);
    says(&socks, REQUEST, 10);
    assert_int_equal(hears(&socks, "\5\0\0\1\0\0\0\0\0\0", 10), 1);
}

static void a_password_may_be_empty_and_names_long(void **state)
{
    char name[256];
    struct cz_socks5 socks;

    (void)state;
    memset(name, 'n', 255);
    name[255] = '\0';
    begin(&socks, name, "");
    cz_socks5_sent(&socks, 3);
    assert_int_equal(hears(&socks, "\5\2", 2), 0);
    assert_int_equal(cz_socks5_output(&socks).size, 2 + 255 + 1);
    begin(&socks, name, name);
    cz_socks5_sent(&socks, 3);
    assert_int_equal(hears(&socks, "\5\2", 2), 0);
    assert_int_equal(cz_socks5_output(&socks).size, CZ_SOCKS5_OUT_MAX);
}

static void a_proxy_may_do_without_a_proof(void **state)
{
    struct cz_socks5 socks;

    (void)state;
    begin(&socks, "me", "word");
    says(&socks, AUTH, 3);
    assert_int_equal(hears(&socks, "\5\0", 2), 0);
    says(&socks, REQUEST, 10);
}

static void names_and_ipv6_have_forms_of_their_own(void **state)
{
    static const struct cz_socks5_target name = {
        CZ_SOCKS5_NAME, {(const uint8_t *)"host", 4}, 80};
    static const struct cz_socks5_target ipv6 = {
        CZ_SOCKS5_IPV6, {(const uint8_t *)"0123456789abcdef", 16}, 80};
    struct cz_socks5 socks;

    (void)state;
    cz_socks5_init(&socks, cz_span(NULL, 0), cz_span(NULL, 0), &name);
    cz_socks5_sent(&socks, 3);
    assert_int_equal(hears(&socks, "\5\0", 2), 0);
    says(&socks, "\5\1\0\3\4host\0\x50", 11);
    /* Where the proxy connects from may be named by any of the forms. */
    assert_int_equal(hears(&socks, "\5\0\0\3\3abc\0\0", 10), 1);

    cz_socks5_init(&socks, cz_span(NULL, 0), cz_span(NULL, 0), &ipv6);
    cz_socks5_sent(&socks, 3);
    assert_int_equal(hears(&socks, "\5\0", 2), 0);
    says(&socks,
         "\5\1\0\4"
         "0123456789abcdef\0\x50",
         22);
    assert_int_equal(hears(&socks,
                           "\5\0\0\4"
                           "0123456789abcdef\0\0",
                           22),
                     1);
}

static void an_answer_that_is_none_ends_it(void **state)
{
    static const struct {
        const char *choice, *proof, *reply;
        int rc;
    } rows[] = {
        {"\4\0", NULL, NULL, -EPROTO},
        {"\5\1", NULL, NULL, -EACCES},
        {"\5\xff", NULL, NULL, -EACCES},
        {"\5\2", "\2\0", NULL, -EPROTO},
        {"\5\2", "\1\1", NULL, -EACCES},
        {"\5\2", "\1\0", "\4\0\0\1\0", -EPROTO},
        {"\5\2", "\1\0", "\5\0\1\1\0", -EPROTO},
        {"\5\2", "\1\0", "\5\0\0\2\0", -EPROTO},
        {"\5\2", "\1\0", "\5\5\0\1\0", -ECONNREFUSED},
        {"\5\2", "\1\0", "\5\1\0\1\0", -EHOSTUNREACH},
        {"\5\2", "\1\0", "\5\xff\0\1\0", -EHOSTUNREACH},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cz_socks5 socks;
        int rc;

        begin(&socks, "me", "word");
        cz_socks5_sent(&socks, cz_socks5_output(&socks).size);
        rc = hears(&socks, rows[i].choice, 2);
        if (rc == 0 && rows[i].proof != NULL)
            rc = hears(&socks, rows[i].proof, 2);
        if (rc == 0 && rows[i].reply != NULL)
            rc = hears(&socks, rows[i].reply, 5);
        assert_int_equal(rc, rows[i].rc);
    }
}

static void who_offers_no_proof_is_not_asked_for_one(void **state)
{
    struct cz_socks5 socks;

    (void)state;
    begin(&socks, "", "word");
    says(&socks, NO_AUTH, 3);
    assert_int_equal(hears(&socks, "\5\2", 2), -EACCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_user_there_are_two_steps),
        cmocka_unit_test(a_user_proves_himself),
        cmocka_unit_test(a_password_may_be_empty_and_names_long),
        cmocka_unit_test(a_proxy_may_do_without_a_proof),
        cmocka_unit_test(names_and_ipv6_have_forms_of_their_own),
        cmocka_unit_test(an_answer_that_is_none_ends_it),
        cmocka_unit_test(who_offers_no_proof_is_not_asked_for_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

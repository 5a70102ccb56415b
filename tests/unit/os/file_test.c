/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Files, directories and the environment.
 *
 * Thread: one. Owns: nothing.
 */
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void a_temporary_directory_comes_and_goes(void **state)
{
    char dir[] = "/tmp/cero-file-XXXXXX";

    (void)state;
    assert_int_equal(cz_dir_make_temporary(dir), 0);
    assert_null(strstr(dir, "XXXXXX"));
    assert_true(cz_dir_exists(dir));
    assert_int_equal(cz_dir_remove(dir), 0);
    assert_false(cz_dir_exists(dir));
    assert_int_equal(cz_dir_remove(dir), -ENOENT);
}

static void a_template_without_place_is_refused(void **state)
{
    char dir[] = "/tmp/cero-file";

    (void)state;
    assert_int_equal(cz_dir_make_temporary(dir), -EINVAL);
}

static void a_file_is_unlinked_and_is_no_directory(void **state)
{
    char dir[] = "/tmp/cero-file-XXXXXX";
    char path[64];
    int fd;

    (void)state;
    assert_int_equal(cz_dir_make_temporary(dir), 0);
    snprintf(path, sizeof path, "%s/file", dir);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_false(cz_dir_exists(path));
    assert_int_equal(cz_dir_remove(dir), -ENOTEMPTY);
    assert_int_equal(cz_file_unlink(path), 0);
    assert_int_equal(cz_file_unlink(path), -ENOENT);
    assert_int_equal(cz_dir_remove(dir), 0);
}

static void unset_and_empty_variables_are_the_same(void **state)
{
    const char *name = "CERO_FILE_TEST";

    (void)state;
    assert_int_equal(unsetenv(name), 0);
    assert_null(cz_environment(name));
    assert_int_equal(setenv(name, "", 1), 0);
    assert_null(cz_environment(name));
    assert_int_equal(setenv(name, "value", 1), 0);
    assert_string_equal(cz_environment(name), "value");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_temporary_directory_comes_and_goes),
        cmocka_unit_test(a_template_without_place_is_refused),
        cmocka_unit_test(a_file_is_unlinked_and_is_no_directory),
        cmocka_unit_test(unset_and_empty_variables_are_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

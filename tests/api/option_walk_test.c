/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Every option of sockets, contexts and messages, known or not, with every
 * plausible size and value, on this library and on libzmq 4.3.4: all answers
 * are the same, but for those that docs/compat.md lists, and those differ.
 *
 *     option_walk walk     what the library under it answers, as text
 *
 * CTest: TIMEOUT 120
 * Thread: the main thread. Owns: the two processes that walk.
 */
#include "common/option_walk.h"

#include <errno.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true /* and the system's library is not */
#else
#define IS_SANITIZED false
#endif

#define LINE_MAX_SIZE 65536
#define SECTION "### Options, by number"

enum operation { GET, SET, OPERATIONS };
enum object { SOCKET, CONTEXT, MESSAGE, OBJECTS };

/* What is said to differ, and what does. */
struct differences {
    bool are[OBJECTS][OPERATIONS][OPTION_WALK_END];
};

/* ---- the page ------------------------------------------------------- */

/* | `ZMQ_NAME` | number | of what | set, get | ... */
static void read_row(struct differences *listed, const char *row)
{
    const char *number = strchr(row + 1, '|');
    const char *of = number != NULL ? strchr(number + 1, '|') : NULL;
    const char *ops = of != NULL ? strchr(of + 1, '|') : NULL;
    const char *end = ops != NULL ? strchr(ops + 1, '|') : NULL;
    enum object object = SOCKET;
    int option;

    assert_non_null(end);
    option = atoi(number + 1);
    assert_in_range(option, 1, OPTION_WALK_END - 1);
    if (memmem(of, (size_t)(ops - of), "context", 7) != NULL)
        object = CONTEXT;
    listed->are[object][GET][option] =
        memmem(ops, (size_t)(end - ops), "get", 3) != NULL;
    listed->are[object][SET][option] =
        memmem(ops, (size_t)(end - ops), "set", 3) != NULL;
}

static void read_page(struct differences *listed)
{
    const char *root = getenv("CZ_SOURCE_DIR");
    char line[1024];
    bool is_inside = false;
    FILE *file;

    snprintf(line, sizeof(line), "%s/docs/compat.md",
             root != NULL ? root : ".");
    file = fopen(line, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (line[0] == '#')
            is_inside = strncmp(line, SECTION, strlen(SECTION)) == 0;
        else if (is_inside && strncmp(line, "| `", 3) == 0)
            read_row(listed, line);
    }
    fclose(file);
}

/* ---- the two walks -------------------------------------------------- */

static FILE *walk_with(const char *directory)
{
    char self[512];
    char command[2048];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    FILE *pipe;

    assert_true(size > 0 && directory != NULL);
    self[size] = '\0';
    snprintf(command, sizeof(command), "LD_LIBRARY_PATH='%s' '%s' walk",
             directory, self);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    return pipe;
}

/* What a line is about: up to its fourth word, and that is all of the
 * answer's name. */
static size_t key_size(const char *line)
{
    size_t size = 0;

    for (int word = 0; word < 4; word++)
        size += strcspn(line + size, " \n") + 1;
    return size;
}

static void note(struct differences *found, const struct differences *listed,
                 const char *ours, const char *theirs)
{
    char what[16], phase[8], operation[16];
    enum object object = SOCKET;
    enum operation op;
    int option;

    assert_int_equal(
        sscanf(ours, "%15s %7s %d %15s", what, phase, &option, operation), 4);
    if (strcmp(what, "context") == 0)
        object = CONTEXT;
    else if (strcmp(what, "message") == 0)
        object = MESSAGE;
    op = operation[0] == 's' ? SET : GET;
    if (!listed->are[object][op][option] && !found->are[object][op][option])
        print_error("libzmq: %.400s\nCeroMQ: %.400s\n", theirs, ours);
    found->are[object][op][option] = true;
}

/* Types that only libzmq has are passed over. */
static size_t compare(struct differences *found,
                      const struct differences *listed, FILE *ours,
                      FILE *theirs)
{
    static char our_line[LINE_MAX_SIZE], their_line[LINE_MAX_SIZE];
    size_t count = 0;

    while (fgets(our_line, sizeof(our_line), ours) != NULL) {
        size_t size = key_size(our_line);

        do {
            if (fgets(their_line, sizeof(their_line), theirs) == NULL)
                fail_msg("libzmq has no line like: %.100s", our_line);
        } while (strncmp(our_line, their_line, size) != 0);
        if (strcmp(our_line, their_line) != 0)
            note(found, listed, our_line, their_line);
        count++;
    }
    return count;
}

/* ---- tests ---------------------------------------------------------- */

static bool is_4_3_4(FILE *walk)
{
    int major, minor, patch;

    return fscanf(walk, "version %d.%d.%d\n", &major, &minor, &patch) == 3 &&
           major == 4 && minor == 3 && patch == 4;
}

static void all_answers_are_those_of_libzmq_but_for_the_listed(void **state)
{
    static struct differences listed, found;
    const char *system = getenv("CZ_SYSTEM_LIB_DIR");
    FILE *ours, *theirs;
    char path[512];
    int wrong = 0;

    (void)state;
    snprintf(path, sizeof(path), "%s/libzmq.so.5", system ? system : "");
    if (!is_ceromq() || IS_SANITIZED || access(path, R_OK) != 0)
        skip();
    read_page(&listed);
    ours = walk_with(getenv("CZ_LIB_DIR"));
    theirs = walk_with(system);
    assert_false(is_4_3_4(ours));
    if (!is_4_3_4(theirs))
        skip();
    assert_true(compare(&found, &listed, ours, theirs) > 20000);
    assert_int_equal(pclose(ours), 0);
    pclose(theirs);
    for (int i = 0; i < OBJECTS * OPERATIONS * OPTION_WALK_END; i++) {
        bool is_listed = ((bool *)listed.are)[i];

        if (is_listed == ((bool *)found.are)[i])
            continue;
        print_error("%s of option %d (object %d) %s\n",
                    i / OPTION_WALK_END % OPERATIONS == GET ? "get" : "set",
                    i % OPTION_WALK_END, i / OPTION_WALK_END / OPERATIONS,
                    is_listed ? "does not differ, as docs/compat.md says"
                              : "differs, and docs/compat.md does not say so");
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void no_option_harms(void **state)
{
    FILE *nowhere = fopen("/dev/null", "w");

    (void)state;
    assert_non_null(nowhere);
    option_walk(nowhere);
    fclose(nowhere);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_option_harms),
        cmocka_unit_test(all_answers_are_those_of_libzmq_but_for_the_listed),
    };

    if (argc == 2 && strcmp(argv[1], "walk") == 0) {
        option_walk(stdout);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

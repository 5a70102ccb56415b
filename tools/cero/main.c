/* SPDX-License-Identifier: MPL-2.0 */
/*
 * cero: send and receive ZeroMQ messages from the command line. This file
 * finds the command and hands it the rest of the arguments.
 *
 * Thread: the main thread; only `bench` and `proxy` start others.
 * Owns: nothing.
 */
#include "cero.h"
#include "pattern.h"

#include <argp.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command main_commands[] = {
    {"proxy", "pass messages on between two sockets", proxy_run},
    {"monitor", "print the events of a socket", monitor_run},
    {"bench", "measure throughput and latency here and now", bench_run},
    {"log", "print the events of running processes", log_run},
    {"stats", "print the statistics of running processes", stats_run},
#ifdef CERO_HAS_TOP
    {"top", "show the busiest pipes of running processes", top_run},
#endif
    {"version", "show the versions of the tool and the library", version_run},
};

enum { MAIN_COMMANDS = sizeof main_commands / sizeof main_commands[0] };

/* One of the two is not NULL. */
struct main_choice {
    const struct pattern *pattern;
    const struct command *command;
    int first; /* where in argv the command's name stands */
};

/* The name is the argument read last, and the rest is the command's. */
static bool main_choose(struct main_choice *choice, struct argp_state *state,
                        const char *name)
{
    choice->pattern = pattern_find(name);
    for (int i = 0; i < MAIN_COMMANDS; i++) {
        if (strcmp(main_commands[i].name, name) == 0)
            choice->command = &main_commands[i];
    }
    choice->first = state->next - 1;
    state->next = state->argc;
    return choice->pattern || choice->command;
}

static error_t main_parse(int key, char *arg, struct argp_state *state)
{
    struct main_choice *choice = state->input;

    switch (key) {
    case 'V':
        main_choose(choice, state, "version");
        return 0;
    case ARGP_KEY_ARG:
        if (!main_choose(choice, state, arg))
            argp_error(state, "there is no command '%s'", arg);
        return 0;
    case ARGP_KEY_NO_ARGS:
        if (!choice->command)
            argp_error(state, "a command is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Adds the table of commands to the help text. The caller of the filter,
 * argp, frees what is returned. */
static char *main_help(int key, const char *text, void *input)
{
    char *help = NULL;
    size_t size = 0;
    FILE *out;

    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)text;
    out = open_memstream(&help, &size);
    if (!out)
        return (char *)text;
    fputs("Commands:\n", out);
    for (size_t i = 0; pattern_at(i); i++)
        fprintf(out, "  %-10s%s\n", pattern_at(i)->name,
                pattern_at(i)->summary);
    for (int i = 0; i < MAIN_COMMANDS; i++)
        fprintf(out, "  %-10s%s\n", main_commands[i].name,
                main_commands[i].summary);
    fputs("\n'cero COMMAND --help' tells more about one of them.", out);
    if (fclose(out) != 0)
        return (char *)text;
    return help;
}

/* A closed standard descriptor must not be taken over by a socket of the
 * library. What stands in for it fails when it is used. */
static void main_hold_standard_fds(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
            (void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
    }
}

static int main_run(const struct main_choice *choice, int argc, char **argv)
{
    char title[32];
    int code;

    snprintf(title, sizeof title, "cero %s",
             choice->pattern ? choice->pattern->name : choice->command->name);
    argv[0] = title;
    program_invocation_name = title;
    program_invocation_short_name = title;
    code = choice->pattern ? pattern_run(choice->pattern, argc, argv)
                           : choice->command->run(argc, argv);
    if (fflush(stdout) == EOF || ferror(stdout)) {
        warn("cannot write to standard output");
        if (code == CERO_OK)
            code = CERO_ERROR;
    }
    return code;
}

int main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"version", 'V', NULL, 0, "Same as the command 'version'", 0}, {0}};
    static const struct argp argp = {
        .options = options,
        .parser = main_parse,
        .args_doc = "COMMAND [OPTION...]",
        .doc = "Send and receive ZeroMQ messages from the command line.\v",
        .help_filter = main_help,
    };
    struct main_choice choice = {0};

    main_hold_standard_fds();
    argp_err_exit_status = CERO_USAGE;
    if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &choice) != 0)
        return CERO_USAGE;
    return main_run(&choice, argc - choice.first, argv + choice.first);
}

/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the parts of the command-line tool agree on: the shape of a
 * command, and the exit codes that docs/cero.md promises.
 */
#ifndef CERO_H
#define CERO_H

enum exit_code {
    CERO_OK = 0,
    CERO_ERROR = 1,   /* something went wrong; stderr says what */
    CERO_USAGE = 2,   /* the command line was not understood */
    CERO_TIMEOUT = 3, /* nobody came, or nothing came, in time */
    CERO_SIGNAL = 128 /* ended by a signal: 130 for SIGINT */
};

/* One row per command that is no pattern (see pattern.h). `run` gets the
 * command's own arguments, with "cero NAME" in argv[0], and answers with an
 * exit code. */
struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

int proxy_run(int argc, char **argv);
int monitor_run(int argc, char **argv);
int bench_run(int argc, char **argv);
int log_run(int argc, char **argv);
int stats_run(int argc, char **argv);
int top_run(int argc, char **argv); /* if CERO_HAS_TOP */
int version_run(int argc, char **argv);

#endif

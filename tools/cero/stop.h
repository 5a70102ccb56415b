/* SPDX-License-Identifier: MPL-2.0 */
/*
 * SIGINT and SIGTERM ask the tool to finish: the first signal lets it
 * flush and clean up, the second one ends it on the spot. SIGPIPE is
 * ignored, so that a closed output is an error like any other.
 *
 * Thread: the main thread; the handler interrupts it.
 */
#ifndef CERO_STOP_H
#define CERO_STOP_H

/* 0 or -errno. A signal that was ignored at the start stays ignored. */
int stop_install(void);

/* The signal that asked for the end, or 0. */
int stop_signal(void);

/* A descriptor that becomes, and stays, readable with that signal. */
int stop_fd(void);

#endif

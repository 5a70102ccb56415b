/* SPDX-License-Identifier: MPL-2.0 */
/*
 * `cero top`: a live view of the pipes of running processes, the busiest
 * first.
 *
 * Thread: the main thread.
 * Owns: the attached files, the rows, the terminal.
 */
#include "attach.h"
#include "cero.h"
#include "options.h"
#include "rates.h"
#include "stop.h"

#include <argp.h>
#include <curses.h>
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INTERVAL_MS_MIN = 50, TOP_LINES = 3 };

struct top_options {
    struct attach attach;
    int interval_ms;
    unsigned long long count; /* of pictures; 0 = any number */
};

static const struct argp_option top_table[] = {
    {"interval", 'i', "MS", 0, "Look every MS milliseconds (1000)", 2},
    {"count", 'n', "N", 0, "End after N pictures", 2},
    {0}};

static error_t top_parse(int key, char *arg, struct argp_state *state)
{
    struct top_options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->attach;
        return 0;
    case 'i':
        options->interval_ms = (int)options_number(state, "--interval", arg,
                                                   INTERVAL_MS_MIN, 3600000);
        return 0;
    case 'n':
        options->count = (unsigned long long)options_number(state, "--count",
                                                            arg, 1, 1000000000);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- drawing -------------------------------------------------------- */

/* A number in at most six characters. */
static const char *shorten(double value, char text[16])
{
    static const char units[] = " kMGTPE";
    int unit = 0;

    while (value >= 9999.5 && units[unit + 1]) {
        value /= 1000;
        unit++;
    }
    snprintf(text, 16, unit ? "%.4g%c" : "%.0f", value, units[unit]);
    return text;
}

static void draw_row(int y, const struct rate *r)
{
    char out[16], in[16], bytes[16], queued_out[16], queued_in[16], lost[16];

    mvprintw(y, 0, "%7llu %-7.7s %8s %8s %8s %7s %7s %6s  %s",
             (unsigned long long)r->pid, r->record.type,
             shorten(r->messages_out, out), shorten(r->messages_in, in),
             shorten(r->bytes, bytes),
             shorten((double)r->record.queued_out, queued_out),
             shorten((double)r->record.queued_in, queued_in),
             shorten((double)r->dropped, lost), r->record.endpoint);
    if (r->record.peer[0])
        printw(" %s", r->record.peer);
    clrtoeol();
}

static void draw(const struct rates *rates)
{
    char out[16], in[16], memory[16];
    int rows = LINES - TOP_LINES;

    erase();
    mvprintw(
        0, 0,
        "cero top - %llu processes, %llu sockets, %llu pipes, %s B; "
        "%s msg/s out, %s in",
        (unsigned long long)rates->contexts, (unsigned long long)rates->sockets,
        (unsigned long long)rates->count,
        shorten((double)rates->memory, memory),
        shorten(rates->messages_out, out), shorten(rates->messages_in, in));
    attron(A_REVERSE);
    mvprintw(2, 0, "%7s %-7s %8s %8s %8s %7s %7s %6s  %s", "PID", "TYPE",
             "OUT/s", "IN/s", "BYTES/s", "QOUT", "QIN", "DROPS",
             "ENDPOINT AND PEER");
    clrtoeol();
    attroff(A_REVERSE);
    for (int i = 0; i < rows && (size_t)i < rates->count; i++)
        draw_row(TOP_LINES + i, &rates->rows[i]);
    refresh();
}

/* ---- the loop ------------------------------------------------------- */

/* Waits for the next picture. False: it is to end. */
static bool top_wait(int interval_ms)
{
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = stop_fd(), .events = POLLIN}};
    int rc = poll(fds, 2, interval_ms);
    int key;

    if (stop_signal())
        return false;
    if (rc == 0)
        return true;
    key = getch(); /* also takes in that the window has another size */
    if (key == 'q')
        return false;
    /* Something to read that is nothing: the terminal has gone. */
    return !(key == ERR && rc > 0 && fds[0].revents);
}

static int top_show(struct top_options *options)
{
    struct rates rates = {0};
    int code = CERO_OK;

    for (unsigned long long i = 1;; i++) {
        attach_sweep(&options->attach);
        if (attach_scan(&options->attach) != 0 ||
            rates_update(&rates, &options->attach) != 0) {
            code = CERO_ERROR;
            break;
        }
        draw(&rates);
        if (i == options->count || !top_wait(options->interval_ms))
            break;
    }
    rates_fini(&rates);
    return code;
}

static int top_open_and_show(struct top_options *options)
{
    SCREEN *screen = newterm(NULL, stdout, stdin);
    int code;

    if (!screen) {
        warnx("this terminal cannot show it: TERM is '%s'",
              getenv("TERM") ? getenv("TERM") : "");
        return CERO_ERROR;
    }
    cbreak();
    noecho();
    nodelay(stdscr, TRUE);
    curs_set(0);
    code = top_show(options);
    endwin();
    delscreen(screen);
    return stop_signal() ? CERO_SIGNAL + stop_signal() : code;
}

int top_run(int argc, char **argv)
{
    static const struct argp_child children[] = {{&attach_options, 0, NULL, 0},
                                                 {0}};
    static const struct argp argp = {
        .options = top_table,
        .parser = top_parse,
        .doc = "Show the pipes of running processes, the busiest first, until "
               "q or Ctrl-C: messages and bytes per second, what waits, and "
               "what was dropped."
               "\vThe processes must have been started with CERO_STATS_DIR "
               "set; numbers change as often as these publish, once a second "
               "if they do not say otherwise.",
        .children = children,
    };
    struct top_options options = {.interval_ms = 1000};
    int code = CERO_ERROR;

    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0)
        return CERO_USAGE;
    if (stop_install() == 0 && attach_open(&options.attach) == 0)
        code = top_open_and_show(&options);
    attach_close(&options.attach);
    return code;
}

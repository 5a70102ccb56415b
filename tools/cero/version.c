/* SPDX-License-Identifier: MPL-2.0 */
/*
 * `cero version`: the tool, the library that it really runs on - which
 * need not be the one it was built with - and what that can do.
 *
 * Thread: the main thread.
 * Owns: nothing.
 */
#include "cero.h"

#include <argp.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <ceromq.h>

static const char *const version_features[] = {
    "ipc", "pgm", "norm",  "tipc",   "vmci", "vsock",
    "ws",  "wss", "curve", "gssapi", "draft"};

enum {
    VERSION_FEATURES = sizeof version_features / sizeof version_features[0]
};

/* Any libzmq.so.5 may stand in for ours, so its own functions are looked up
 * by name. */
static void version_print_library(void)
{
    void (*version)(int *, int *, int *);
    void *symbol = dlsym(RTLD_DEFAULT, "cero_version");
    Dl_info where;
    int major, minor, patch;

    memcpy(&version, &symbol, sizeof version);
    fputs("library  ", stdout);
    if (version) {
        version(&major, &minor, &patch);
        printf("CeroMQ %d.%d.%d, ", major, minor, patch);
    } else {
        fputs("not CeroMQ, ", stdout);
    }
    zmq_version(&major, &minor, &patch);
    printf("ZeroMQ interface %d.%d.%d\n", major, minor, patch);
    symbol = dlsym(RTLD_DEFAULT, "zmq_version");
    if (symbol && dladdr(symbol, &where) != 0)
        printf("file     %s\n", where.dli_fname);
}

static void version_print_features(void)
{
    fputs("has     ", stdout);
    for (int i = 0; i < VERSION_FEATURES; i++) {
        if (zmq_has(version_features[i]))
            printf(" %s", version_features[i]);
    }
    fputs("\nhas not ", stdout);
    for (int i = 0; i < VERSION_FEATURES; i++) {
        if (!zmq_has(version_features[i]))
            printf(" %s", version_features[i]);
    }
    putchar('\n');
}

static void version_print_reactors(void)
{
    const char *(*reactor)(int);
    void *symbol = dlsym(RTLD_DEFAULT, "cero_reactor");

    memcpy(&reactor, &symbol, sizeof reactor);
    if (!reactor)
        return;
    fputs("reactors", stdout);
    for (int i = 0; reactor(i); i++)
        printf(" %s", reactor(i));
    putchar('\n');
}

int version_run(int argc, char **argv)
{
    static const struct argp argp = {
        .doc = "Show the versions of the tool and of the library it runs on, "
               "and what that library can do.",
    };

    if (argp_parse(&argp, argc, argv, 0, NULL, NULL) != 0)
        return CERO_USAGE;
    printf("cero     %d.%d.%d\n", CERO_VERSION_MAJOR, CERO_VERSION_MINOR,
           CERO_VERSION_PATCH);
    version_print_library();
    version_print_features();
    version_print_reactors();
    return CERO_OK;
}

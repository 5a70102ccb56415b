/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Commands: how objects that live on different threads talk.
 *
 * A command is embedded in the object that it concerns and carries its own
 * handler, so that posting one never allocates and a new command touches one
 * file. It must not be posted again before it has run.
 */
#ifndef CZ_CORE_COMMAND_H
#define CZ_CORE_COMMAND_H

struct cz_command {
    struct cz_command *next;
    /* Runs on the thread that owns the mailbox. */
    void (*run)(struct cz_command *command);
};

#endif

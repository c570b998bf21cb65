#define _GNU_SOURCE
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

extern char **environ;

int cprocess_signal_on_parent_death(int signal) {
#ifdef __linux__
    return prctl(PR_SET_PDEATHSIG, signal) == 0 ? 0 : errno;
#else
    (void)signal;
    return 0; // The end of standard input is the only watch there.
#endif
}

int cprocess_pipe(int ends[2]) {
    if (pipe(ends) != 0) {
        return errno;
    }
    for (int i = 0; i < 2; i++) {
        if (fcntl(ends[i], F_SETFD, FD_CLOEXEC) != 0) {
            int error = errno;
            close(ends[0]);
            close(ends[1]);
            return error;
        }
    }
    return 0;
}

static volatile sig_atomic_t signal_pipe = -1;

static void write_signal(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    // A full pipe already wakes its reader; the reader then looks at everything, so nothing is lost.
    (void)!write((int)signal_pipe, &byte, 1);
    errno = saved;
}

static const int watched[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};

int cprocess_signals_to_pipe(void) {
    int ends[2];
    int error = cprocess_pipe(ends);
    if (error != 0) {
        errno = error;
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    signal_pipe = ends[1];
    struct sigaction action = {.sa_handler = write_signal, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
        if (sigaction(watched[i], &action, NULL) != 0) {
            return -1;
        }
    }
    return ends[0];
}

pid_t cprocess_spawn(const char *path, char *const arguments[], int input, int output) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);

    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

    pid_t child = -1;
    int error = posix_spawn(&child, path, &files, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return child;
}

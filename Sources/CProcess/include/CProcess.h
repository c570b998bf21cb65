#ifndef CPROCESS_H
#define CPROCESS_H

#include <sys/types.h>

/// Asks the kernel to send `signal` to this process when the thread that spawned it ends.
/// Returns 0, or an errno. (`prctl` is variadic, so Swift cannot call it.)
int cprocess_signal_on_parent_death(int signal);

/// Turns SIGCHLD, SIGTERM, SIGINT and SIGHUP into bytes on a pipe: each arriving signal writes its number.
/// Returns the pipe's readable end (non-blocking, close-on-exec), or -1 with errno set. Call once.
int cprocess_signals_to_pipe(void);

/// A pipe whose two ends are not inherited by programs started later. Returns 0, or an errno.
int cprocess_pipe(int ends[2]);

/// Starts `path` with `arguments` (NULL-terminated) in a process group of its own, with default signal handling, with
/// `input` as standard input and `output` as standard output. Returns the process id, or -1 with errno set.
pid_t cprocess_spawn(const char *path, char *const arguments[], int input, int output);

#endif

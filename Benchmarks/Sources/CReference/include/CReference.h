#pragma once

/// Runs a loop in C over librdkafka, with the arguments of a program (see reference.c). Returns the exit code.
int reference_main(int count, char *const *arguments);

/// Gives memory that nobody uses back to the system.
void reference_trim(void);

// Without librdkafka, on a socket (see wire.c). `bootstrap` is HOST:PORT; what is negative has failed.

/// A connection that has said which versions it speaks, and then says nothing: its descriptor, to be closed.
int wire_connect(const char *bootstrap);

/// Sends records of `size` bytes one by one (acks=all) over each of `connections`, which share the partitions, until
/// `samples` are answered; writes the microseconds of each. Returns the seconds of all.
double wire_produce(const char *bootstrap, const char *topic, int partitions, int connections, int size,
                    long samples, double *micros);

/// Reads so many records of a topic from its start and looks at their batches' heads only. Returns the seconds.
double wire_fetch(const char *bootstrap, const char *topic, int partitions, long records);

/// So many bytes to a thread over the loopback and so many (at most 512) back, `samples` times; with a path the thread
/// appends what it got to the file and syncs it before it answers. Returns the seconds, as above.
double bare_round_trips(const char *path, int request, int answer, long samples, double *micros);

/// A whole file to a reader over the loopback, copied through memory or with sendfile; also the processor seconds of both.
double bare_file_to_socket(const char *path, int is_copied, double *cpu);

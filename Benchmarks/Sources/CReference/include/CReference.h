#pragma once

/// Runs a loop in C over librdkafka, with the arguments of a program (see reference.c). Returns the exit code.
int reference_main(int count, char *const *arguments);

/// Gives memory that nobody uses back to the system.
void reference_trim(void);

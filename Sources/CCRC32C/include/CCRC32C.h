#ifndef CCRC32C_H
#define CCRC32C_H
#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `length` bytes, continuing from `crc` (0 for a fresh checksum).
uint32_t tidings_crc32c(uint32_t crc, const void *bytes, size_t length);
/// The same without hardware support; exposed so that a test can compare the two.
uint32_t tidings_crc32c_portable(uint32_t crc, const void *bytes, size_t length);
/// 1 when the processor's CRC-32C instruction is in use.
int tidings_crc32c_is_hardware(void);

#endif

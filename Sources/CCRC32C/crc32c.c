#include "CCRC32C.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

// Slice by eight: table[k][b] is the sum of byte b followed by k zero bytes. 0x82F63B78 is the reflected Castagnoli
// polynomial.
static uint32_t table[8][256];

// Before main, so that no thread can see half a table.
__attribute__((constructor)) static void make_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) c = (c & 1) ? (c >> 1) ^ 0x82F63B78u : c >> 1;
        table[0][i] = c;
    }
    for (int k = 1; k < 8; k++)
        for (int i = 0; i < 256; i++) table[k][i] = table[0][table[k - 1][i] & 0xFF] ^ (table[k - 1][i] >> 8);
}

uint32_t tidings_crc32c_portable(uint32_t seed, const void *bytes, size_t length) {
    const uint8_t *p = bytes;
    uint32_t crc = ~seed;
    while (length >= 8) {
        // Bytes one by one, so that the order of bytes in a word does not matter.
        uint32_t low = crc ^ (p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        crc = table[7][low & 0xFF] ^ table[6][low >> 8 & 0xFF] ^ table[5][low >> 16 & 0xFF] ^ table[4][low >> 24] ^
              table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
        p += 8;
        length -= 8;
    }
    while (length-- > 0) crc = table[0][(crc ^ *p++) & 0xFF] ^ (crc >> 8);
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_hardware(uint32_t seed, const void *bytes, size_t length) {
    const uint8_t *p = bytes;
    uint64_t crc = ~seed;
    while (length >= 8) {
        uint64_t word;
        __builtin_memcpy(&word, p, 8);
        crc = _mm_crc32_u64(crc, word);
        p += 8;
        length -= 8;
    }
    while (length-- > 0) crc = _mm_crc32_u8((uint32_t)crc, *p++);
    return ~(uint32_t)crc;
}

int tidings_crc32c_is_hardware(void) { return __builtin_cpu_supports("sse4.2") != 0; }

#elif defined(__aarch64__)
__attribute__((target("crc"))) static uint32_t crc32c_hardware(uint32_t seed, const void *bytes, size_t length) {
    const uint8_t *p = bytes;
    uint32_t crc = ~seed;
    while (length >= 8) {
        uint64_t word;
        __builtin_memcpy(&word, p, 8);
        crc = __builtin_arm_crc32cd(crc, word);
        p += 8;
        length -= 8;
    }
    while (length-- > 0) crc = __builtin_arm_crc32cb(crc, *p++);
    return ~crc;
}

#if defined(__linux__)
// HWCAP_CRC32 of the kernel's <asm/hwcap.h>.
int tidings_crc32c_is_hardware(void) { return (getauxval(AT_HWCAP) & (1 << 7)) != 0; }
#else
// Every 64-bit Apple processor has it.
int tidings_crc32c_is_hardware(void) { return 1; }
#endif

#else
#define TIDINGS_NO_HARDWARE
int tidings_crc32c_is_hardware(void) { return 0; }
#endif

uint32_t tidings_crc32c(uint32_t crc, const void *bytes, size_t length) {
#if !defined(TIDINGS_NO_HARDWARE)
    if (tidings_crc32c_is_hardware()) return crc32c_hardware(crc, bytes, length);
#endif
    return tidings_crc32c_portable(crc, bytes, length);
}

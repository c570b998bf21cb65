#include "CCRC32C.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#define TIDINGS_HARDWARE __attribute__((target("sse4.2")))
#endif

// Slice-by-one table, made on first use. 0x82F63B78 is the reflected Castagnoli polynomial.
static uint32_t table[256];
static int table_ready;

static void make_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) c = (c & 1) ? (c >> 1) ^ 0x82F63B78u : c >> 1;
        table[i] = c;
    }
    __atomic_store_n(&table_ready, 1, __ATOMIC_RELEASE);
}

uint32_t tidings_crc32c_portable(uint32_t crc, const void *bytes, size_t length) {
    // Concurrent first calls write the same values.
    if (!__atomic_load_n(&table_ready, __ATOMIC_ACQUIRE)) make_table();
    const uint8_t *p = bytes;
    crc = ~crc;
    for (size_t i = 0; i < length; i++) crc = table[(crc ^ p[i]) & 0xFF] ^ (crc >> 8);
    return ~crc;
}

#if defined(__x86_64__)
TIDINGS_HARDWARE static uint32_t crc32c_sse42(uint32_t seed, const void *bytes, size_t length) {
    const uint8_t *p = bytes;
    uint64_t crc = ~seed & 0xFFFFFFFFu;
    while (length >= 8) {
        uint64_t word;
        __builtin_memcpy(&word, p, 8);
        crc = _mm_crc32_u64(crc, word);
        p += 8;
        length -= 8;
    }
    while (length > 0) {
        crc = _mm_crc32_u8((uint32_t)crc, *p++);
        length--;
    }
    return ~(uint32_t)crc;
}

int tidings_crc32c_is_hardware(void) { return __builtin_cpu_supports("sse4.2") != 0; }
#else
int tidings_crc32c_is_hardware(void) { return 0; }
#endif

uint32_t tidings_crc32c(uint32_t crc, const void *bytes, size_t length) {
#if defined(__x86_64__)
    if (tidings_crc32c_is_hardware()) return crc32c_sse42(crc, bytes, length);
#endif
    return tidings_crc32c_portable(crc, bytes, length);
}

// A Kafka client that is nothing but the wire, and a server that is nothing but an echo: what is measured with the first
// is the broker and the loopback, and the second says what the loopback takes of it.

#include "CReference.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { produce_key = 0, fetch_key = 1, versions_key = 18, answer_limit = 512 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// MARK: Bytes

typedef struct {
    unsigned char *bytes;
    size_t length, room;
} Bytes;

static void put(Bytes *to, const void *bytes, size_t length) {
    if (to->length + length > to->room) {
        to->room = (to->length + length) * 2;
        to->bytes = realloc(to->bytes, to->room);
    }
    memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
}

static void put_number(Bytes *to, int64_t value, int width) {
    unsigned char bytes[8];
    for (int index = 0; index < width; index++) bytes[index] = (unsigned char)(value >> (8 * (width - 1 - index)));
    put(to, bytes, (size_t)width);
}

static void put_varint(Bytes *to, int64_t value) {
    uint64_t rest = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (; rest > 127; rest >>= 7) put(to, &(unsigned char){(unsigned char)(rest | 128)}, 1);
    put(to, &(unsigned char){(unsigned char)rest}, 1);
}

static void put_string(Bytes *to, const char *text) {
    put_number(to, (int64_t)strlen(text), 2);
    put(to, text, strlen(text));
}

static int64_t number(const unsigned char *bytes, int width) {
    int64_t value = (signed char)bytes[0];
    for (int index = 1; index < width; index++) value = value * 256 + bytes[index];
    return value;
}

static void set_number(Bytes *in, size_t place, int64_t value) {
    Bytes four = {in->bytes + place, 0, 4};
    put_number(&four, value, 4);
}

static uint32_t crc32c(const unsigned char *bytes, size_t length) {
    uint32_t sum = ~0u;
    for (size_t index = 0; index < length; index++) {
        sum ^= bytes[index];
        for (int bit = 0; bit < 8; bit++) sum = (sum >> 1) ^ (0x82F63B78u & -(sum & 1));
    }
    return ~sum;
}

// MARK: Requests

static void begin(Bytes *request, int key, int version) {
    put_number(request, 0, 4);
    put_number(request, key, 2);
    put_number(request, version, 2);
    put_number(request, 0, 4);
    put_string(request, "wire");
}

/// A batch of one record without a key.
static Bytes batch(size_t size) {
    Bytes record = {0}, batch = {0};
    char *value = calloc(1, size);
    put(&record, "\0\0\0\1", 4);  // attributes, times, offsets; no key
    put_varint(&record, (int64_t)size);
    put(&record, value, size);
    put_varint(&record, 0);
    free(value);

    put_number(&batch, 0, 8);   // offset
    put_number(&batch, 0, 4);   // length
    put_number(&batch, -1, 4);  // leader epoch
    put_number(&batch, 2, 1);
    put_number(&batch, 0, 4);   // checksum
    put_number(&batch, 0, 2);
    put_number(&batch, 0, 4);   // the last record's number
    for (int index = 0; index < 2; index++) put_number(&batch, (int64_t)time(NULL) * 1000, 8);
    put_number(&batch, -1, 8);  // no producer id, epoch, sequence
    put_number(&batch, -1, 2);
    put_number(&batch, -1, 4);
    put_number(&batch, 1, 4);
    put_varint(&batch, (int64_t)record.length);
    put(&batch, record.bytes, record.length);
    free(record.bytes);
    set_number(&batch, 8, (int64_t)batch.length - 12);
    set_number(&batch, 17, crc32c(batch.bytes + 21, batch.length - 21));
    return batch;
}

/// Produce version 7 with acks=all.
static Bytes produce_request(const char *topic, int partition, size_t size) {
    Bytes request = {0}, records = batch(size);
    begin(&request, produce_key, 7);
    put_number(&request, -1, 2);  // no transaction
    put_number(&request, -1, 2);
    put_number(&request, 30000, 4);
    put_number(&request, 1, 4);
    put_string(&request, topic);
    put_number(&request, 1, 4);
    put_number(&request, partition, 4);
    put_number(&request, (int64_t)records.length, 4);
    put(&request, records.bytes, records.length);
    free(records.bytes);
    set_number(&request, 0, (int64_t)request.length - 4);
    return request;
}

/// Fetch version 4, with the limits that clients have by default.
static void fetch_request(Bytes *request, const char *topic, int partitions, const int64_t *offsets) {
    request->length = 0;
    begin(request, fetch_key, 4);
    put_number(request, -1, 4);
    put_number(request, 500, 4);
    put_number(request, 1, 4);
    put_number(request, 50 << 20, 4);
    put_number(request, 0, 1);
    put_number(request, 1, 4);
    put_string(request, topic);
    put_number(request, partitions, 4);
    for (int partition = 0; partition < partitions; partition++) {
        put_number(request, partition, 4);
        put_number(request, offsets[partition], 8);
        put_number(request, 1 << 20, 4);
    }
    set_number(request, 0, (int64_t)request->length - 4);
}

// MARK: Sockets

static int all(ssize_t (*call)(int, void *, size_t), int socket, unsigned char *bytes, size_t length) {
    for (size_t done = 0; done < length;) {
        ssize_t count = call(socket, bytes + done, length - done);
        if (count == 0 || (count < 0 && errno != EINTR)) return -1;
        if (count > 0) done += (size_t)count;
    }
    return 0;
}

static ssize_t write_some(int socket, void *bytes, size_t length) { return write(socket, bytes, length); }

static int send_all(int socket, Bytes bytes) { return all(write_some, socket, bytes.bytes, bytes.length); }

/// One frame, without its length.
static int receive(int socket, Bytes *answer) {
    unsigned char head[4];
    if (all(read, socket, head, 4)) return -1;
    size_t length = (size_t)number(head, 4);
    if (length > answer->room) answer->bytes = realloc(answer->bytes, answer->room = length);
    answer->length = length;
    return all(read, socket, answer->bytes, length);
}

static int connected(const char *bootstrap) {
    char host[256];
    const char *colon = strrchr(bootstrap, ':');
    if (!colon || (size_t)(colon - bootstrap) >= sizeof host) return -1;
    memcpy(host, bootstrap, (size_t)(colon - bootstrap));
    host[colon - bootstrap] = 0;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    if (getaddrinfo(host, colon + 1, &hints, &found)) return -1;
    int descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (descriptor >= 0 && connect(descriptor, found->ai_addr, found->ai_addrlen)) {
        close(descriptor);
        descriptor = -1;
    }
    freeaddrinfo(found);
    if (descriptor >= 0) setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return descriptor;
}

int wire_connect(const char *bootstrap) {
    int descriptor = connected(bootstrap);
    Bytes request = {0}, answer = {0};
    begin(&request, versions_key, 0);
    set_number(&request, 0, (int64_t)request.length - 4);
    if (descriptor >= 0 && (send_all(descriptor, request) || receive(descriptor, &answer))) {
        close(descriptor);
        descriptor = -1;
    }
    free(request.bytes);
    free(answer.bytes);
    return descriptor;
}

// MARK: Producing

typedef struct {
    int socket, partition;
    double sent;
    unsigned char answer[answer_limit];
    size_t have;
} Sender;

static int sends(Sender *sender, const Bytes *requests) {
    sender->have = 0;
    sender->sent = now();
    return send_all(sender->socket, requests[sender->partition]);
}

/// 1: the answer is there and good; 0: not yet; -1: it never will be.
static int answered(Sender *sender, size_t topic_length) {
    ssize_t count = read(sender->socket, sender->answer + sender->have, answer_limit - sender->have);
    if (count <= 0) return -1;
    sender->have += (size_t)count;
    if (sender->have < 4 || sender->have < 4 + (size_t)number(sender->answer, 4)) return 0;
    // Length, number of the request, one topic, its name, one partition, its index, and then what became of it.
    return number(sender->answer + 4 + 4 + 4 + 2 + topic_length + 4 + 4, 2) == 0 ? 1 : -1;
}

double wire_produce(const char *bootstrap, const char *topic, int partitions, int connections, int size,
                    long samples, double *micros) {
    Bytes *requests = calloc((size_t)partitions, sizeof *requests);
    for (int index = 0; index < partitions; index++) requests[index] = produce_request(topic, index, (size_t)size);
    Sender *senders = calloc((size_t)connections, sizeof *senders);
    int poll = epoll_create1(EPOLL_CLOEXEC), is_good = 1;
    for (int index = 0; index < connections; index++) {
        senders[index].socket = connected(bootstrap);
        senders[index].partition = index % partitions;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &senders[index]};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, senders[index].socket, &event)) is_good = 0;
    }
    double started = now();
    long sent = 0, seen = 0;
    for (int index = 0; is_good && index < connections && sent < samples; index++, sent++)
        if (sends(&senders[index], requests)) is_good = 0;
    struct epoll_event events[64];
    while (is_good && seen < samples) {
        int count = epoll_wait(poll, events, 64, 30000);
        if (count <= 0) is_good = 0;
        for (int index = 0; is_good && index < count; index++) {
            Sender *sender = events[index].data.ptr;
            int state = answered(sender, strlen(topic));
            if (state < 0) is_good = 0;
            if (state <= 0) continue;
            micros[seen++] = (now() - sender->sent) * 1e6;
            if (sent < samples && sends(sender, requests)) is_good = 0;
            sent++;
        }
    }
    double seconds = now() - started;
    for (int index = 0; index < connections; index++) close(senders[index].socket);
    for (int index = 0; index < partitions; index++) free(requests[index].bytes);
    close(poll);
    free(senders);
    free(requests);
    return is_good ? seconds : -1;
}

// MARK: Fetching

/// Goes through the batches of an answer, the last of which may be cut off. Returns the records, or -1.
static long take(const Bytes *answer, size_t topic_length, int partitions, int64_t *offsets) {
    size_t place = 4 + 4 + 4 + 2 + topic_length + 4;
    long records = 0;
    for (int index = 0; index < partitions; index++) {
        const unsigned char *head = answer->bytes + place;
        int64_t partition = number(head, 4), aborted = number(head + 22, 4);
        if (number(head + 4, 2)) return -1;
        place += 26 + (aborted > 0 ? (size_t)aborted * 16 : 0);
        size_t end = place + 4 + (size_t)number(answer->bytes + place, 4);
        for (place += 4; place + 61 <= end; place += 12 + (size_t)number(answer->bytes + place + 8, 4)) {
            const unsigned char *batch = answer->bytes + place;
            int64_t next = number(batch, 8) + number(batch + 23, 4) + 1;
            records += next - (offsets[partition] > number(batch, 8) ? offsets[partition] : number(batch, 8));
            offsets[partition] = next;
        }
        place = end;
    }
    return records;
}

double wire_fetch(const char *bootstrap, const char *topic, int partitions, long records) {
    int64_t *offsets = calloc((size_t)partitions, sizeof *offsets);
    Bytes request = {0}, answer = {0};
    int descriptor = connected(bootstrap);
    double started = now();
    long seen = 0;
    while (descriptor >= 0 && seen < records) {
        fetch_request(&request, topic, partitions, offsets);
        if (send_all(descriptor, request) || receive(descriptor, &answer)) break;
        long taken = take(&answer, strlen(topic), partitions, offsets);
        if (taken < 0) break;
        seen += taken;
    }
    double seconds = now() - started;
    if (descriptor >= 0) close(descriptor);
    free(offsets);
    free(request.bytes);
    free(answer.bytes);
    return seen >= records ? seconds : -1;
}

// MARK: The bare loopback

/// A listener of our own and a socket that is connected to it.
static int loopback(int *listener) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    *listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int is_good = !bind(*listener, (struct sockaddr *)&address, length) && !listen(*listener, 1) &&
                  !getsockname(*listener, (struct sockaddr *)&address, &length) &&
                  !connect(client, (struct sockaddr *)&address, length);
    return is_good ? client : -1;
}

typedef struct {
    int listener, file;
    size_t request, answer;
} Echo;

static void *echo(void *argument) {
    Echo *echo = argument;
    unsigned char bytes[answer_limit] = {0};
    int on = 1, peer = accept(echo->listener, NULL, NULL);
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    while (!all(read, peer, bytes, echo->request)) {
        if (echo->file >= 0 && (write(echo->file, bytes, echo->request) < 0 || fdatasync(echo->file))) break;
        if (all(write_some, peer, bytes, echo->answer)) break;
    }
    close(peer);
    return NULL;
}

double bare_round_trips(const char *path, int request, int answer, long samples, double *micros) {
    int file = path ? open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600) : -1;
    Echo server = {0, file, (size_t)request, (size_t)answer};
    int client = loopback(&server.listener);
    pthread_t thread;
    if (client < 0 || pthread_create(&thread, NULL, echo, &server)) return -1;
    unsigned char bytes[answer_limit] = {0};
    int is_good = 1;
    double began = now();
    for (long index = 0; is_good && index < samples; index++) {
        double started = now();
        is_good = !all(write_some, client, bytes, (size_t)request) && !all(read, client, bytes, (size_t)answer);
        micros[index] = (now() - started) * 1e6;
    }
    double seconds = now() - began;
    close(client);
    pthread_join(thread, NULL);
    close(server.listener);
    if (file >= 0) close(file);
    return is_good ? seconds : -1;
}

typedef struct {
    int listener, file, is_copied;
    long bytes;
} Sending;

static void *send_file(void *argument) {
    Sending *sending = argument;
    static unsigned char piece[1 << 20];
    int peer = accept(sending->listener, NULL, NULL);
    for (off_t place = 0; place < sending->bytes;) {
        ssize_t count = sending->is_copied ? pread(sending->file, piece, sizeof piece, place)
                                           : sendfile(peer, sending->file, &place, sizeof piece);
        if (count <= 0 || (sending->is_copied && all(write_some, peer, piece, (size_t)count))) break;
        if (sending->is_copied) place += count;
    }
    close(peer);
    return NULL;
}

static double processor_time(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

double bare_file_to_socket(const char *path, int is_copied, double *cpu) {
    Sending server = {0, open(path, O_RDONLY | O_CLOEXEC), is_copied, 0};
    server.bytes = lseek(server.file, 0, SEEK_END);
    int client = loopback(&server.listener);
    pthread_t thread;
    if (client < 0 || pthread_create(&thread, NULL, send_file, &server)) return -1;
    static unsigned char bytes[1 << 18];
    double began = now(), before = processor_time();
    long seen = 0;
    for (ssize_t count; (count = read(client, bytes, sizeof bytes)) > 0;) seen += count;
    double seconds = now() - began;
    *cpu = processor_time() - before;
    close(client);
    pthread_join(thread, NULL);
    close(server.listener);
    close(server.file);
    return seen == server.bytes ? seconds : -1;
}

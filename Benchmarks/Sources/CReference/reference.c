// The reference that the Swift client is measured against: the fastest plain loops over librdkafka.
//
//   reference produce BOOTSTRAP TOPIC COUNT SIZE [NAME=VALUE …]
//   reference consume BOOTSTRAP TOPIC COUNT PARTITIONS [NAME=VALUE …]
//   reference mock [PARTITIONS]          a mock cluster until standard input ends; prints its address
//
// Prints "seconds-of-wall-clock seconds-of-cpu".

#include "CReference.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { run_length = 1000 };

static long delivered, failed;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void fail(const char *what) {
    fprintf(stderr, "reference: %s\n", what);
    exit(1);
}

static void on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
    (void)handle, (void)opaque;
    if (message->err) failed++;
    delivered++;
}

static rd_kafka_t *client(rd_kafka_type_t type, char *const *properties, int count, const char *bootstrap) {
    char reason[512];
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    rd_kafka_conf_set(configuration, "bootstrap.servers", bootstrap, NULL, 0);
    if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(configuration, on_delivery);
    for (int index = 0; index < count; index++) {
        char *value = strchr(properties[index], '=');
        if (!value) fail("a property is NAME=VALUE");
        *value++ = 0;
        if (rd_kafka_conf_set(configuration, properties[index], value, reason, sizeof reason)) fail(reason);
    }
    rd_kafka_t *handle = rd_kafka_new(type, configuration, reason, sizeof reason);
    if (!handle) fail(reason);
    return handle;
}

static void produce(rd_kafka_t *handle, const char *name, long count, size_t size) {
    rd_kafka_topic_t *topic = rd_kafka_topic_new(handle, name, NULL);
    rd_kafka_message_t messages[run_length];
    char *payload = malloc(size);
    memset(payload, 'x', size);
    for (long sent = 0; sent < count;) {
        int wanted = count - sent < run_length ? (int)(count - sent) : run_length;
        memset(messages, 0, sizeof messages);
        for (int index = 0; index < wanted; index++) {
            messages[index].payload = payload;
            messages[index].len = size;
        }
        int taken = rd_kafka_produce_batch(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, messages, wanted);
        sent += taken;
        rd_kafka_poll(handle, taken == wanted ? 0 : 10);
    }
    while (delivered < count) rd_kafka_poll(handle, 100);
    if (failed) fail("messages were not delivered");
    free(payload);
    rd_kafka_topic_destroy(topic);
}

static void consume(rd_kafka_t *handle, const char *topic, long count, int partitions) {
    rd_kafka_poll_set_consumer(handle);
    // Who leads the partitions, first: else librdkafka asks for their first offsets half a second later.
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *known = rd_kafka_topic_new(handle, topic, NULL);
    if (!rd_kafka_metadata(handle, 0, known, &metadata, 5000)) rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(known);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int partition = 0; partition < partitions; partition++)
        rd_kafka_topic_partition_list_add(list, topic, partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(handle, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(handle);
    rd_kafka_message_t *messages[run_length];
    size_t bytes = 0;
    for (long seen = 0; seen < count;) {
        ssize_t got = rd_kafka_consume_batch_queue(queue, 5, messages, run_length);
        for (ssize_t index = 0; index < got; index++) {
            if (!messages[index]->err) {
                seen++;
                bytes += messages[index]->len + ((unsigned char *)messages[index]->payload)[0];
            }
            rd_kafka_message_destroy(messages[index]);
        }
    }
    rd_kafka_queue_destroy(queue);
    if (!bytes) fail("nothing was read");
}

static void mock(int partitions) {
    char *properties[] = {strdup("test.mock.num.brokers=1")};
    rd_kafka_t *handle = client(RD_KAFKA_PRODUCER, properties, 1, "");
    rd_kafka_mock_cluster_t *cluster = rd_kafka_handle_mock_cluster(handle);
    rd_kafka_mock_topic_create(cluster, "bench", partitions, 1);
    printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    while (getchar() != EOF) {}
}

int reference_main(int count, char *const *arguments) {
    if (count >= 2 && !strcmp(arguments[1], "mock")) return mock(count > 2 ? atoi(arguments[2]) : 4), 0;
    if (count < 6) fail("produce|consume BOOTSTRAP TOPIC COUNT SIZE|PARTITIONS [NAME=VALUE …]");
    int is_producer = !strcmp(arguments[1], "produce");
    // From making the client to the last record, as in Swift; what it takes to end the client is not counted.
    double started = now(), cpu_before = cpu();
    rd_kafka_t *handle = client(
        is_producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, arguments + 6, count - 6, arguments[2]);
    if (is_producer)
        produce(handle, arguments[3], atol(arguments[4]), (size_t)atol(arguments[5]));
    else
        consume(handle, arguments[3], atol(arguments[4]), atoi(arguments[5]));
    printf("%f %f\n", now() - started, cpu() - cpu_before);
    fflush(stdout);
    rd_kafka_destroy(handle);
    return 0;
}

void reference_trim(void) { malloc_trim(0); }

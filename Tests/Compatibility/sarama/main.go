// Sarama, the Go client, as Debian packages it: an implementation of its own.
//
//	sarama CHECK --bootstrap B --name N [--protocol 0.11.0.0]
//
// Ends as the scripts beside it do (check.py). It commits offsets in groups by itself, once a second and at the end of a
// session.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/Shopify/sarama"
)

var (
	bootstrap, name string
	protocol        sarama.KafkaVersion
)

type missing struct{ what string }

func (m missing) Error() string { return m.what }

func config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = protocol
	c.Producer.Return.Successes = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Group.Session.Timeout = 6 * time.Second
	c.Consumer.Group.Heartbeat.Interval = time.Second
	return c
}

func produce(topic string, count int, change func(*sarama.Config)) error {
	c := config()
	if change != nil {
		change(c)
	}
	producer, err := sarama.NewSyncProducer([]string{bootstrap}, c)
	if err != nil {
		return err
	}
	defer producer.Close()
	var messages []*sarama.ProducerMessage
	for i := 0; i < count; i++ {
		messages = append(messages, &sarama.ProducerMessage{
			Topic: topic, Key: sarama.StringEncoder(fmt.Sprintf("key-%d", i%7)),
			Value:   sarama.StringEncoder(fmt.Sprintf("the same words again and again: %d", i)),
			Headers: []sarama.RecordHeader{{Key: []byte("h"), Value: []byte("v")}},
		})
	}
	return producer.SendMessages(messages)
}

func createTopic(topic string, partitions int32) error {
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, config())
	if err != nil {
		return err
	}
	defer admin.Close()
	return admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false)
}

func consume(topic string, count int) error {
	consumer, err := sarama.NewConsumer([]string{bootstrap}, config())
	if err != nil {
		return err
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	if err != nil {
		return err
	}
	for i := 0; i < count; i++ {
		select {
		case m := <-partition.Messages():
			if want := fmt.Sprintf("the same words again and again: %d", i); string(m.Value) != want {
				return fmt.Errorf("record %d is %q", i, m.Value)
			}
			if string(m.Key) != fmt.Sprintf("key-%d", i%7) || len(m.Headers) != 1 || string(m.Headers[0].Value) != "v" {
				return fmt.Errorf("record %d has key %q and headers %v", i, m.Key, m.Headers)
			}
		case <-time.After(20 * time.Second):
			return fmt.Errorf("%d of %d read", i, count)
		}
	}
	return partition.Close()
}

func records() (string, error) {
	codecs := []sarama.CompressionCodec{
		sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy, sarama.CompressionLZ4}
	said := "four codecs (zstd only from 2.1 on), keys, headers"
	if protocol.IsAtLeast(sarama.V2_1_0_0) {
		codecs, said = append(codecs, sarama.CompressionZSTD), "five codecs, keys, headers"
	}
	for _, codec := range codecs {
		topic := name + "-" + codec.String()
		if err := createTopic(topic, 1); err != nil {
			return "", err
		}
		if err := produce(topic, 50, func(c *sarama.Config) { c.Producer.Compression = codec }); err != nil {
			return "", fmt.Errorf("%v: %w", codec, err)
		}
		if err := consume(topic, 50); err != nil {
			return "", fmt.Errorf("%v: %w", codec, err)
		}
	}
	return said, nil
}

// member counts what it reads, tells how many partitions it has, and lives until it is cancelled.
type member struct {
	read   chan string
	shares chan int
	cancel context.CancelFunc
	ended  chan error
}

func (m *member) Setup(s sarama.ConsumerGroupSession) error {
	m.shares <- len(s.Claims()[name])
	return nil
}
func (m *member) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (m *member) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		s.MarkMessage(message, "")
		m.read <- string(message.Value)
	}
	return nil
}

func join() (*member, error) {
	group, err := sarama.NewConsumerGroup([]string{bootstrap}, name+"-group", config())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{make(chan string, 1000), make(chan int, 1000), cancel, make(chan error, 1)}
	go func() {
		for ctx.Err() == nil {
			if err := group.Consume(ctx, []string{name}, m); err != nil {
				m.ended <- err
				return
			}
		}
		m.ended <- group.Close()
	}()
	return m, nil
}

func (m *member) waitForShare(wanted int) error {
	deadline := time.After(30 * time.Second)
	for {
		select {
		case share := <-m.shares:
			if share == wanted {
				return nil
			}
		case err := <-m.ended:
			return fmt.Errorf("the member ended: %v", err)
		case <-deadline:
			return fmt.Errorf("never got %d partitions", wanted)
		}
	}
}

func (m *member) leave() error {
	m.cancel()
	return <-m.ended
}

func groups() (string, error) {
	if err := createTopic(name, 4); err != nil {
		return "", err
	}
	first, err := join()
	if err != nil {
		return "", err
	}
	if err := first.waitForShare(4); err != nil {
		return "", err
	}
	second, err := join()
	if err != nil {
		return "", err
	}
	for _, m := range []*member{first, second} {
		if err := m.waitForShare(2); err != nil {
			return "", err
		}
	}
	if err := produce(name, 40, nil); err != nil {
		return "", err
	}
	for i := 0; i < 40; i++ {
		select {
		case <-first.read:
		case <-second.read:
		case <-time.After(20 * time.Second):
			return "", fmt.Errorf("%d of 40 read", i)
		}
	}
	if err := second.leave(); err != nil {
		return "", err
	}
	if err := first.waitForShare(4); err != nil {
		return "", err
	}
	if err := first.leave(); err != nil {
		return "", err
	}
	if err := produce(name, 10, nil); err != nil {
		return "", err
	}
	again, err := join()
	if err != nil {
		return "", err
	}
	for i := 0; i < 10; i++ {
		select {
		case <-again.read:
		case <-time.After(20 * time.Second):
			return "", fmt.Errorf("%d of 10 read after the restart", i)
		}
	}
	if err := again.leave(); err != nil {
		return "", err
	}
	if left := len(again.read); left > 0 {
		return "", fmt.Errorf("%d records were read again", left)
	}
	return "rebalancing, commits, resumption", nil
}

func admin() (string, error) {
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, config())
	if err != nil {
		return "", err
	}
	defer admin.Close()
	hour, two := "3600000", "7200000"
	err = admin.CreateTopic(name, &sarama.TopicDetail{
		NumPartitions: 2, ReplicationFactor: 1, ConfigEntries: map[string]*string{"retention.ms": &hour}}, false)
	if err != nil {
		return "", fmt.Errorf("CreateTopic: %w", err)
	}
	said := "topics, properties, records"
	if protocol.IsAtLeast(sarama.V1_0_0_0) {
		said = "topics, partitions, properties, records"
		if err := admin.CreatePartitions(name, 4, nil, false); err != nil {
			return "", fmt.Errorf("CreatePartitions: %w", err)
		}
	}
	resource := sarama.ConfigResource{Type: sarama.TopicResource, Name: name, ConfigNames: []string{"retention.ms"}}
	for _, value := range []*string{&hour, &two} {
		entries, err := admin.DescribeConfig(resource)
		if err != nil {
			return "", fmt.Errorf("DescribeConfig: %w", err)
		}
		if len(entries) != 1 || entries[0].Value != *value {
			return "", fmt.Errorf("retention.ms is %v, not %s", entries, *value)
		}
		if err := admin.AlterConfig(sarama.TopicResource, name, map[string]*string{"retention.ms": &two}, false); err != nil {
			return "", fmt.Errorf("AlterConfig: %w", err)
		}
	}
	if err := produce(name, 40, nil); err != nil {
		return "", err
	}
	if err := admin.DeleteRecords(name, map[int32]int64{0: 1}); err != nil {
		return "", fmt.Errorf("DeleteRecords: %w", err)
	}
	if err := admin.DeleteTopic(name); err != nil {
		return "", fmt.Errorf("DeleteTopic: %w", err)
	}
	return said, nil
}

func idempotence() (string, error) {
	if err := createTopic(name, 1); err != nil {
		return "", err
	}
	err := produce(name, 50, func(c *sarama.Config) {
		c.Producer.Idempotent = true
		c.Net.MaxOpenRequests = 1
	})
	if err != nil {
		return "", err
	}
	return "", consume(name, 50)
}

func main() {
	flags := flag.NewFlagSet("sarama", flag.ExitOnError)
	flags.StringVar(&bootstrap, "bootstrap", "", "")
	flags.StringVar(&name, "name", "", "")
	version := flags.String("protocol", "2.2.0", "")
	checks := map[string]func() (string, error){
		"records": records, "groups": groups, "admin": admin, "idempotence": idempotence,
		"transactions": func() (string, error) { return "", missing{"this version has none"} },
		"version": func() (string, error) {
			installed, err := exec.Command(
				"dpkg-query", "-W", "-f", "${Version}", "golang-github-shopify-sarama-dev").Output()
			return fmt.Sprintf("%s, speaking Kafka %v", installed, protocol), err
		},
	}
	flags.Parse(os.Args[2:])
	var err error
	if protocol, err = sarama.ParseKafkaVersion(*version); err == nil {
		var said string
		if said, err = checks[os.Args[1]](); err == nil {
			fmt.Println(said)
			return
		}
	}
	if none, ok := err.(missing); ok {
		fmt.Println(none.what)
		os.Exit(3)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

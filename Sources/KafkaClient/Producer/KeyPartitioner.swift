import CRDKafka

/// Where keys lead, by the rule of ``Producer`` and of Kafka's own clients (murmur2).
public enum KeyPartitioner {
    /// The partition that records with this key go to, in a topic with so many partitions.
    ///
    /// - Parameter count: at least 1.
    public static func partition(of key: [UInt8], among count: Int32) -> Int32 {
        precondition(count > 0, "a topic has at least one partition")
        return key.withUnsafeBytes { bytes in
            rd_kafka_msg_partitioner_murmur2(nil, bytes.baseAddress, bytes.count, count, nil, nil)
        }
    }
}

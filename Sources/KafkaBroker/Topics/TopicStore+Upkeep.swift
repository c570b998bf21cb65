import KafkaLog
import Logging

/// What is done to all logs now and then, on storage threads.
extension TopicStore {
    /// Removes old segments, as `retention.ms` and `retention.bytes` of each topic say.
    func applyRetention() {
        for partition in all.flatMap(\.partitions) where partition.log.configuration.hasRetention {
            onThread { [logger] in
                do throws(LogError) {
                    let count = try partition.log.applyRetention()
                    guard count > 0 else { return }
                    logger.info(
                        "removed old segments",
                        metadata: [
                            "topic": "\(partition.name.topic)", "partition": "\(partition.name.partition)",
                            "segments": "\(count)",
                        ])
                } catch {
                    logger.warning("cannot apply retention", metadata: ["reason": "\(error)"])
                }
            }
        }
    }

    /// Forgets producers that have been silent for `producer.id.expiration.ms`.
    func forgetSilentProducers() {
        let partitions = all.flatMap(\.partitions)
        onThread {
            for partition in partitions { partition.log.forgetSilentProducers() }
        }
    }
}

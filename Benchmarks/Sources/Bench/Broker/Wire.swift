import ArgumentParser
import CReference

/// Requests on sockets of our own, without a client library's threads.
enum Wire {
    /// Records of 100 bytes one by one over each connection; the seconds of all and the microseconds of each.
    static func produce(
        _ bootstrap: String, _ topic: String, partitions: Int, connections: Int = 1, samples: Int
    ) throws -> (seconds: Double, micros: [Double]) {
        var micros = [Double](repeating: 0, count: samples)
        let seconds = wire_produce(
            bootstrap, topic, Int32(partitions), Int32(connections), 100, samples, &micros)
        guard seconds >= 0 else { throw ValidationError("a record sent over a socket failed") }
        return (seconds, micros)
    }

    /// Seconds until so many records were read, whose batches nobody opens.
    static func fetch(_ bootstrap: String, _ topic: String, partitions: Int, records: Int) throws -> Double {
        let seconds = wire_fetch(bootstrap, topic, Int32(partitions), records)
        guard seconds >= 0 else { throw ValidationError("a fetch over a socket failed") }
        return seconds
    }

    /// A produce request's bytes to a thread and an answer's back; with a path it appends and syncs before it answers.
    static func roundTrips(_ samples: Int, appendingTo path: String? = nil) throws -> [Double] {
        var micros = [Double](repeating: 0, count: samples)
        guard bare_round_trips(path, 240, 60, samples, &micros) >= 0 else {
            throw ValidationError("a round trip over the loopback failed")
        }
        return micros
    }

    /// Processor seconds that it takes to send a file over the loopback and to read it there.
    static func sending(_ path: String, isCopied: Bool) throws -> Double {
        var cpu = 0.0
        guard bare_file_to_socket(path, isCopied ? 1 : 0, &cpu) >= 0 else {
            throw ValidationError("sending \(path) over the loopback failed")
        }
        return cpu
    }
}

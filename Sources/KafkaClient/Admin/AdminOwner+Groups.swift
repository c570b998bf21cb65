import CRDKafka
import Glibc

extension AdminOwner {
    func describeGroups(
        _ groups: [String], timeout: Duration, answer: @escaping (Result<[GroupDescription], any Error>) -> Void
    ) {
        let opaque = calls.add { result in
            answer(Result { try Self.readGroups(result.get()) })
        }
        guard let options = options(RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, timeout, opaque) else { return }
        let names = groups.map { strdup($0) }
        defer { for name in names { free(name) } }
        var pointers = names.map { UnsafePointer<CChar>($0) }
        options.with { rd_kafka_DescribeConsumerGroups(handle.pointer, &pointers, pointers.count, $0, queue) }
    }

    func committedOffsets(
        _ group: String, _ partitions: [TopicPartition]?, isStable: Bool, timeout: Duration,
        answer: @escaping (Result<[TopicPartition: Int64], any Error>) -> Void
    ) {
        GroupOffsets.request(
            group, partitions, isStable: isStable, handle: handle, queue: queue, calls: calls, timeout: timeout,
            answer: answer)
    }

    private static func readGroups(_ event: OpaquePointer) throws -> [GroupDescription] {
        try AdminOptions.check(event, "describing groups")
        var count = 0
        let result = rd_kafka_event_DescribeConsumerGroups_result(event)
        guard let groups = rd_kafka_DescribeConsumerGroups_result_groups(result, &count) else { return [] }
        return try (0..<count).map { index in
            let group = groups[index]
            let name = text(rd_kafka_ConsumerGroupDescription_group_id(group))
            if let error = rd_kafka_ConsumerGroupDescription_error(group) {
                let code = rd_kafka_error_code(error)
                if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code, "group '\(name)'") }
            }
            let state = text(rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(group)))
            return GroupDescription(
                groupID: name, state: GroupDescription.State(rawValue: state) ?? .unknown,
                assignor: text(rd_kafka_ConsumerGroupDescription_partition_assignor(group)),
                members: (0..<rd_kafka_ConsumerGroupDescription_member_count(group)).map { index in
                    member(rd_kafka_ConsumerGroupDescription_member(group, index))
                })
        }
    }

    private static func member(_ native: OpaquePointer?) -> GroupDescription.Member {
        let instance = text(rd_kafka_MemberDescription_group_instance_id(native))
        let assignment = rd_kafka_MemberDescription_assignment(native)
        let list = assignment.flatMap { rd_kafka_MemberAssignment_partitions($0) }
        return GroupDescription.Member(
            memberID: text(rd_kafka_MemberDescription_consumer_id(native)),
            groupInstanceID: instance.isEmpty ? nil : instance,
            clientID: text(rd_kafka_MemberDescription_client_id(native)),
            host: text(rd_kafka_MemberDescription_host(native)),
            assignment: list.map { UnsafeMutablePointer(mutating: $0).partitions.sorted() } ?? [])
    }
}

private func text(_ pointer: UnsafePointer<CChar>?) -> String {
    pointer.map { String(cString: $0) } ?? ""
}

import CRDKafka
import Glibc

extension AdminOwner {
    func describeGroups(
        _ groups: [String], timeout: Duration, answer: @escaping (Result<[GroupDescription], any Error>) -> Void
    ) {
        let names = groups.map { strdup($0) }
        defer { for name in names { free(name) } }
        var pointers = names.map { UnsafePointer<CChar>($0) }
        request(
            RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, "describing groups", timeout: timeout, answer: answer,
            read: Self.readGroups,
            send: { rd_kafka_DescribeConsumerGroups(handle.pointer, &pointers, pointers.count, $0, queue) })
    }

    func listGroups(timeout: Duration, answer: @escaping (Result<[GroupListing], any Error>) -> Void) {
        request(
            RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, "listing groups", timeout: timeout, answer: answer,
            read: { event in
                let result = rd_kafka_event_ListConsumerGroups_result(event)
                var count = 0
                // Each broker lists its own; without one of them the list is not whole.
                if let errors = rd_kafka_ListConsumerGroups_result_errors(result, &count), count > 0 {
                    throw KafkaError(rd_kafka_error_code(errors[0]), "listing groups")
                }
                guard let groups = rd_kafka_ListConsumerGroups_result_valid(result, &count) else { return [] }
                return (0..<count).map { index in
                    GroupListing(
                        groupID: Self.text(rd_kafka_ConsumerGroupListing_group_id(groups[index])),
                        state: GroupDescription.State(rd_kafka_ConsumerGroupListing_state(groups[index])),
                        isSimple: rd_kafka_ConsumerGroupListing_is_simple_consumer_group(groups[index]) == 1)
                }.sorted { $0.groupID < $1.groupID }
            },
            send: { rd_kafka_ListConsumerGroups(handle.pointer, $0, queue) })
    }

    func deleteGroups(_ groups: [String], timeout: Duration, answer: @escaping (Result<Void, any Error>) -> Void) {
        var native: [OpaquePointer?] = groups.map { rd_kafka_DeleteGroup_new($0) }
        defer { for group in native { rd_kafka_DeleteGroup_destroy(group) } }
        request(
            RD_KAFKA_ADMIN_OP_DELETEGROUPS, "deleting groups", timeout: timeout, answer: answer,
            read: { event in
                var count = 0
                let groups = rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event), &count)
                try Self.checkGroups(groups, count: count, "deleting group")
            },
            send: { rd_kafka_DeleteGroups(handle.pointer, &native, native.count, $0, queue) })
    }

    func alterOffsets(
        _ group: String, _ offsets: [TopicPartition: Int64], timeout: Duration,
        answer: @escaping (Result<Void, any Error>) -> Void
    ) {
        var native = PartitionList(offsets).with { rd_kafka_AlterConsumerGroupOffsets_new(group, $0) }
        defer { rd_kafka_AlterConsumerGroupOffsets_destroy(native) }
        request(
            RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, "setting offsets", timeout: timeout, answer: answer,
            read: { event in
                var count = 0
                let groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
                    rd_kafka_event_AlterConsumerGroupOffsets_result(event), &count)
                try Self.checkGroups(groups, count: count, "setting offsets of group")
            },
            send: { rd_kafka_AlterConsumerGroupOffsets(handle.pointer, &native, 1, $0, queue) })
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
            return GroupDescription(
                groupID: name,
                state: GroupDescription.State(rd_kafka_ConsumerGroupDescription_state(group)),
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

extension GroupDescription.State {
    init(_ native: rd_kafka_consumer_group_state_t) {
        let name = rd_kafka_consumer_group_state_name(native).map { String(cString: $0) } ?? ""
        self = GroupDescription.State(rawValue: name) ?? .unknown
    }
}

import KafkaProtocol

extension Route {
    /// Everything the broker speaks; ApiVersions is answered from this table.
    static let all: [APIKey: Route] = {
        let routes = [
            Route(ApiVersionsHandler.self), Route(MetadataHandler.self),
            Route(ProduceHandler.self), Route(FetchHandler.self), Route(ListOffsetsHandler.self),
            Route(CreateTopicsHandler.self), Route(DeleteTopicsHandler.self), Route(InitProducerIdHandler.self),
            Route(FindCoordinatorHandler.self), Route(JoinGroupHandler.self), Route(SyncGroupHandler.self),
            Route(HeartbeatHandler.self), Route(LeaveGroupHandler.self), Route(OffsetCommitHandler.self),
            Route(OffsetFetchHandler.self), Route(DescribeGroupsHandler.self), Route(ListGroupsHandler.self),
            Route(AddPartitionsToTxnHandler.self), Route(AddOffsetsToTxnHandler.self), Route(EndTxnHandler.self),
            Route(TxnOffsetCommitHandler.self), Route(DescribeConfigsHandler.self), Route(AlterConfigsHandler.self),
            Route(IncrementalAlterConfigsHandler.self), Route(CreatePartitionsHandler.self),
            Route(DeleteRecordsHandler.self), Route(OffsetForLeaderEpochHandler.self), Route(DeleteGroupsHandler.self),
            Route(OffsetDeleteHandler.self), Route(DescribeClusterHandler.self), Route(DescribeLogDirsHandler.self),
            Route(DescribeProducersHandler.self), Route(DescribeTransactionsHandler.self),
            Route(ListTransactionsHandler.self), Route(DescribeTopicPartitionsHandler.self),
        ]
        return Dictionary(uniqueKeysWithValues: routes.map { ($0.key, $0) })
    }()
}

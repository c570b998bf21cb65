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
            Route(TxnOffsetCommitHandler.self),
        ]
        return Dictionary(uniqueKeysWithValues: routes.map { ($0.key, $0) })
    }()
}

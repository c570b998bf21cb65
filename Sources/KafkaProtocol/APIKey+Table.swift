/// The APIs of Kafka, from the protocol guide; listing one here does not mean that a message of it is described.
extension APIKey {
    public static let produce = APIKey(rawValue: 0)
    public static let fetch = APIKey(rawValue: 1)
    public static let listOffsets = APIKey(rawValue: 2)
    public static let metadata = APIKey(rawValue: 3)
    public static let leaderAndIsr = APIKey(rawValue: 4)
    public static let stopReplica = APIKey(rawValue: 5)
    public static let updateMetadata = APIKey(rawValue: 6)
    public static let controlledShutdown = APIKey(rawValue: 7)
    public static let offsetCommit = APIKey(rawValue: 8)
    public static let offsetFetch = APIKey(rawValue: 9)
    public static let findCoordinator = APIKey(rawValue: 10)
    public static let joinGroup = APIKey(rawValue: 11)
    public static let heartbeat = APIKey(rawValue: 12)
    public static let leaveGroup = APIKey(rawValue: 13)
    public static let syncGroup = APIKey(rawValue: 14)
    public static let describeGroups = APIKey(rawValue: 15)
    public static let listGroups = APIKey(rawValue: 16)
    public static let saslHandshake = APIKey(rawValue: 17)
    public static let apiVersions = APIKey(rawValue: 18)
    public static let createTopics = APIKey(rawValue: 19)
    public static let deleteTopics = APIKey(rawValue: 20)
    public static let deleteRecords = APIKey(rawValue: 21)
    public static let initProducerID = APIKey(rawValue: 22)
    public static let offsetForLeaderEpoch = APIKey(rawValue: 23)
    public static let addPartitionsToTxn = APIKey(rawValue: 24)
    public static let addOffsetsToTxn = APIKey(rawValue: 25)
    public static let endTxn = APIKey(rawValue: 26)
    public static let writeTxnMarkers = APIKey(rawValue: 27)
    public static let txnOffsetCommit = APIKey(rawValue: 28)
    public static let describeAcls = APIKey(rawValue: 29)
    public static let createAcls = APIKey(rawValue: 30)
    public static let deleteAcls = APIKey(rawValue: 31)
    public static let describeConfigs = APIKey(rawValue: 32)
    public static let alterConfigs = APIKey(rawValue: 33)
    public static let alterReplicaLogDirs = APIKey(rawValue: 34)
    public static let describeLogDirs = APIKey(rawValue: 35)
    public static let saslAuthenticate = APIKey(rawValue: 36)
    public static let createPartitions = APIKey(rawValue: 37)
    public static let createDelegationToken = APIKey(rawValue: 38)
    public static let renewDelegationToken = APIKey(rawValue: 39)
    public static let expireDelegationToken = APIKey(rawValue: 40)
    public static let describeDelegationToken = APIKey(rawValue: 41)
    public static let deleteGroups = APIKey(rawValue: 42)
    public static let electLeaders = APIKey(rawValue: 43)
    public static let incrementalAlterConfigs = APIKey(rawValue: 44)
    public static let alterPartitionReassignments = APIKey(rawValue: 45)
    public static let listPartitionReassignments = APIKey(rawValue: 46)
    public static let offsetDelete = APIKey(rawValue: 47)
    public static let describeClientQuotas = APIKey(rawValue: 48)
    public static let alterClientQuotas = APIKey(rawValue: 49)
    public static let describeUserScramCredentials = APIKey(rawValue: 50)
    public static let alterUserScramCredentials = APIKey(rawValue: 51)
    public static let vote = APIKey(rawValue: 52)
    public static let beginQuorumEpoch = APIKey(rawValue: 53)
    public static let endQuorumEpoch = APIKey(rawValue: 54)
    public static let describeQuorum = APIKey(rawValue: 55)
    public static let alterPartition = APIKey(rawValue: 56)
    public static let updateFeatures = APIKey(rawValue: 57)
    public static let envelope = APIKey(rawValue: 58)
    public static let fetchSnapshot = APIKey(rawValue: 59)
    public static let describeCluster = APIKey(rawValue: 60)
    public static let describeProducers = APIKey(rawValue: 61)
    public static let brokerRegistration = APIKey(rawValue: 62)
    public static let brokerHeartbeat = APIKey(rawValue: 63)
    public static let unregisterBroker = APIKey(rawValue: 64)
    public static let describeTransactions = APIKey(rawValue: 65)
    public static let listTransactions = APIKey(rawValue: 66)
    public static let allocateProducerIDs = APIKey(rawValue: 67)
    public static let consumerGroupHeartbeat = APIKey(rawValue: 68)
    public static let consumerGroupDescribe = APIKey(rawValue: 69)
    public static let controllerRegistration = APIKey(rawValue: 70)
    public static let getTelemetrySubscriptions = APIKey(rawValue: 71)
    public static let pushTelemetry = APIKey(rawValue: 72)
    public static let assignReplicasToDirs = APIKey(rawValue: 73)
    public static let listClientMetricsResources = APIKey(rawValue: 74)
    public static let describeTopicPartitions = APIKey(rawValue: 75)

    /// Name and first flexible version (KIP-482) by key; `nil` where no version is flexible.
    static let table: [Int16: (name: String, firstFlexibleVersion: Int16?)] = [
        0: ("Produce", 9),
        1: ("Fetch", 12),
        2: ("ListOffsets", 6),
        3: ("Metadata", 9),
        4: ("LeaderAndIsr", 4),
        5: ("StopReplica", 2),
        6: ("UpdateMetadata", 6),
        7: ("ControlledShutdown", 3),
        8: ("OffsetCommit", 8),
        9: ("OffsetFetch", 6),
        10: ("FindCoordinator", 3),
        11: ("JoinGroup", 6),
        12: ("Heartbeat", 4),
        13: ("LeaveGroup", 4),
        14: ("SyncGroup", 4),
        15: ("DescribeGroups", 5),
        16: ("ListGroups", 3),
        17: ("SaslHandshake", nil),
        18: ("ApiVersions", 3),
        19: ("CreateTopics", 5),
        20: ("DeleteTopics", 4),
        21: ("DeleteRecords", 2),
        22: ("InitProducerId", 2),
        23: ("OffsetForLeaderEpoch", 4),
        24: ("AddPartitionsToTxn", 3),
        25: ("AddOffsetsToTxn", 3),
        26: ("EndTxn", 3),
        27: ("WriteTxnMarkers", 1),
        28: ("TxnOffsetCommit", 3),
        29: ("DescribeAcls", 2),
        30: ("CreateAcls", 2),
        31: ("DeleteAcls", 2),
        32: ("DescribeConfigs", 4),
        33: ("AlterConfigs", 2),
        34: ("AlterReplicaLogDirs", 2),
        35: ("DescribeLogDirs", 2),
        36: ("SaslAuthenticate", 2),
        37: ("CreatePartitions", 2),
        38: ("CreateDelegationToken", 2),
        39: ("RenewDelegationToken", 2),
        40: ("ExpireDelegationToken", 2),
        41: ("DescribeDelegationToken", 2),
        42: ("DeleteGroups", 2),
        43: ("ElectLeaders", 2),
        44: ("IncrementalAlterConfigs", 1),
        45: ("AlterPartitionReassignments", 0),
        46: ("ListPartitionReassignments", 0),
        47: ("OffsetDelete", nil),
        48: ("DescribeClientQuotas", 1),
        49: ("AlterClientQuotas", 1),
        50: ("DescribeUserScramCredentials", 0),
        51: ("AlterUserScramCredentials", 0),
        52: ("Vote", 0),
        53: ("BeginQuorumEpoch", 1),
        54: ("EndQuorumEpoch", 1),
        55: ("DescribeQuorum", 0),
        56: ("AlterPartition", 0),
        57: ("UpdateFeatures", 0),
        58: ("Envelope", 0),
        59: ("FetchSnapshot", 0),
        60: ("DescribeCluster", 0),
        61: ("DescribeProducers", 0),
        62: ("BrokerRegistration", 0),
        63: ("BrokerHeartbeat", 0),
        64: ("UnregisterBroker", 0),
        65: ("DescribeTransactions", 0),
        66: ("ListTransactions", 0),
        67: ("AllocateProducerIds", 0),
        68: ("ConsumerGroupHeartbeat", 0),
        69: ("ConsumerGroupDescribe", 0),
        70: ("ControllerRegistration", 0),
        71: ("GetTelemetrySubscriptions", 0),
        72: ("PushTelemetry", 0),
        73: ("AssignReplicasToDirs", 0),
        74: ("ListClientMetricsResources", 0),
        75: ("DescribeTopicPartitions", 0),
    ]
}

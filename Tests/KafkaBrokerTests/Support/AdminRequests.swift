import KafkaProtocol

@testable import KafkaBroker

/// Whose configuration.
enum ResourceType: Int8 {
    case topic = 2
    case broker = 4
    case logger = 8
}

extension TestClient {
    func describeResult(
        _ type: ResourceType, _ name: String, _ keys: [String]? = nil, details: Bool = true, version: Int16 = 4
    ) async throws -> DescribeConfigsResponse.Result {
        let request = DescribeConfigsRequest { request in
            request.includeSynonyms = details
            request.includeDocumentation = details && version >= 3
            request.resources = [
                DescribeConfigsRequest.Resource { resource in
                    resource.resourceType = type.rawValue
                    resource.resourceName = name
                    resource.configurationKeys = keys
                }
            ]
        }
        guard let result = try await send(request, version: version).results.first else {
            throw Unexpected(description: "no resource in the answer")
        }
        return result
    }

    /// The properties by name.
    func describe(
        _ type: ResourceType, _ name: String, _ keys: [String]? = nil, details: Bool = true, version: Int16 = 4
    ) async throws -> [String: DescribeConfigsResponse.Config] {
        let result = try await describeResult(type, name, keys, details: details, version: version)
        guard result.errorCode == .none else { throw Unexpected(description: "\(result.errorCode)") }
        return Dictionary(uniqueKeysWithValues: result.configs.map { ($0.name, $0) })
    }

    /// Alters with steps of name, operation and value.
    @discardableResult
    func alter(
        _ type: ResourceType, _ name: String, _ steps: [(String, Int8, String?)], onlyValidate: Bool = false,
        version: Int16 = 1
    ) async throws -> ErrorCode {
        let request = IncrementalAlterConfigsRequest { request in
            request.validateOnly = onlyValidate
            request.resources = [
                IncrementalAlterConfigsRequest.Resource { resource in
                    resource.resourceType = type.rawValue
                    resource.resourceName = name
                    resource.configs = steps.map { name, operation, value in
                        IncrementalAlterConfigsRequest.Config { config in
                            config.name = name
                            config.configOperation = operation
                            config.value = value
                        }
                    }
                }
            ]
        }
        return try await send(request, version: version).responses.first?.errorCode ?? .unknownServerError
    }

    func addPartitions(
        _ topic: String, to count: Int32, on brokers: [[Int32]]? = nil, onlyValidate: Bool = false, version: Int16 = 3
    ) async throws -> ErrorCode {
        let request = CreatePartitionsRequest { request in
            request.validateOnly = onlyValidate
            request.topics = [
                CreatePartitionsRequest.Topic { wanted in
                    wanted.name = topic
                    wanted.count = count
                    wanted.assignments = brokers.map { brokers in
                        brokers.map { ids in CreatePartitionsRequest.Assignment { $0.brokerIDs = ids } }
                    }
                }
            ]
        }
        return try await send(request, version: version).results.first?.errorCode ?? .unknownServerError
    }

    /// Deletes the records before an offset.
    func deleteRecords(
        _ topic: String, partition: Int32 = 0, before offset: Int64, version: Int16 = 2
    ) async throws -> DeleteRecordsResponse.Partition {
        let request = DeleteRecordsRequest { request in
            request.topics = [
                DeleteRecordsRequest.Topic { wanted in
                    wanted.name = topic
                    wanted.partitions = [
                        DeleteRecordsRequest.Partition { wanted in
                            wanted.partitionIndex = partition
                            wanted.offset = offset
                        }
                    ]
                }
            ]
        }
        guard let answer = try await send(request, version: version).topics.first?.partitions.first else {
            throw Unexpected(description: "no partition in the answer")
        }
        return answer
    }
}

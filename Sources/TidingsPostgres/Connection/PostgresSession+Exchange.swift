import CPQ
import Glibc
import Logging

extension PostgresSession {
    /// One thing that was sent and whose answer comes in turn.
    private enum Sent {
        case deallocate
        case prepare(name: String, PostgresRequest.Shape)
        case execute(PostgresRequest)
    }

    /// How long an answer may take, and who may break off the wait.
    private struct Patience {
        var deadline: ContinuousClock.Instant?
        var isInterruptible: Bool
        var cancelSent = false

        /// For `poll`: milliseconds, -1 for ever.
        var timeout: Int32 {
            guard let deadline else { return -1 }
            let rest = Int32(clamping: max(0, (deadline - .now).milliseconds))
            return cancelSent ? min(rest, 100) : rest
        }

        var isOver: Bool { deadline.map { $0 <= .now } ?? false }
    }

    /// Sends the statements together and waits for all their results.
    ///
    /// When one fails, the server skips those after it.
    func exchange(_ requests: [PostgresRequest], isInterruptible: Bool = true) throws -> [PostgresResult] {
        var results: [PostgresResult] = []
        try exchange(requests, into: &results, isInterruptible: isInterruptible)
        return results
    }

    /// As ``exchange(_:isInterruptible:)``; `results` holds what succeeded even when it throws.
    ///
    /// - Parameter arrived: is told of each result while the server may still be at those after it; what it throws is thrown
    ///   when all have come.
    func exchange(
        _ requests: [PostgresRequest], into results: inout [PostgresResult], isInterruptible: Bool = true,
        arrived: (_ index: Int, PostgresResult) throws -> Void = { _, _ in }
    ) throws {
        guard isUsable else { throw lost() }
        for request in requests { try request.validate() }
        if isInterruptible, bell.isRinging { throw PostgresError(.cancelled, "the task was cancelled") }
        var patience = Patience(isInterruptible: isInterruptible)
        if let limit = configuration.statementTimeout {
            // The server keeps the limit; ours is for a server that keeps silent.
            patience.deadline = .now + limit * requests.count + .seconds(10)
        }
        var failure: PostgresError?
        var reading: Result<Void, any Error> = .success(())
        do {
            let sent = try send(requests)
            for command in sent {
                let result = try receive(command, &patience)
                if let error = result.error {
                    failure = failure ?? diagnose(error, of: command)
                } else {
                    note(command, result, &results)
                    if case .execute = command {
                        let index = results.count - 1
                        reading = reading.flatMap { Result { try arrived(index, result) } }
                    }
                }
            }
            try receiveSync(&patience)
        } catch let error as PostgresError where failure == nil || error.code != .connectionLost {
            giveUp()
            throw error
        } catch {
            giveUp()
        }
        // A request to cancel may still be on its way to the server, where it would hit whatever comes next.
        if patience.cancelSent { giveUp() }
        guard var failure else { return try reading.get() }
        if patience.cancelSent, failure.sqlState == .queryCanceled { failure.code = .cancelled }
        if failure.code == .readOnly { giveUp() }
        throw failure
    }

    // MARK: Sending

    private func send(_ requests: [PostgresRequest]) throws -> [Sent] {
        var sent: [Sent] = []
        var fresh: [PostgresRequest.Shape: String] = [:]
        for request in requests {
            guard request.isPrepared, statements.capacity > 0 else {
                try check(
                    request.withParameters { count, types, values, lengths, formats in
                        PQsendQueryParams(handle, request.sql, count, types, values, lengths, formats, 1)
                    })
                sent.append(.execute(request))
                continue
            }
            let shape = request.shape
            let name: String
            if let known = statements.name(of: shape) ?? fresh[shape] {
                name = known
            } else {
                name = try prepare(request, shape, &sent)
                fresh[shape] = name
            }
            try check(
                request.withParameters { count, _, values, lengths, formats in
                    PQsendQueryPrepared(handle, name, count, values, lengths, formats, 1)
                })
            sent.append(.execute(request))
        }
        try check(PQpipelineSync(handle))
        return sent
    }

    private func prepare(
        _ request: PostgresRequest, _ shape: PostgresRequest.Shape, _ sent: inout [Sent]
    ) throws -> String {
        let pending = sent.count { if case .prepare = $0 { true } else { false } }
        for name in statements.evictions(makingRoomFor: pending + 1) {
            try check(PQsendQueryParams(handle, "deallocate \(name)", 0, nil, nil, nil, nil, 1))
            sent.append(.deallocate)
        }
        let name = statements.newName()
        try check(PQsendPrepare(handle, name, request.sql, Int32(shape.types.count), shape.types))
        sent.append(.prepare(name: name, shape))
        return name
    }

    private func check(_ succeeded: Int32) throws {
        if succeeded != 1 { throw lost() }
    }

    // MARK: Receiving

    private func note(_ command: Sent, _ result: PostgresResult, _ results: inout [PostgresResult]) {
        switch command {
        case .deallocate: break
        case .prepare(let name, let shape): statements.insert(name, for: shape)
        case .execute: results.append(result)
        }
    }

    private func receive(_ command: Sent, _ patience: inout Patience) throws -> PostgresResult {
        guard let result = try next(&patience) else { throw lost() }
        switch PQresultStatus(result.handle) {
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            throw PostgresError(.statement, "COPY from or to the client is not supported")
        default: break
        }
        if result.error != nil, PQstatus(handle) != CONNECTION_OK { return result }
        // A null ends what belongs to one statement.
        while try next(&patience) != nil {}
        return result
    }

    private func receiveSync(_ patience: inout Patience) throws {
        guard let result = try next(&patience), PQresultStatus(result.handle) == PGRES_PIPELINE_SYNC else {
            throw lost()
        }
    }

    private func next(_ patience: inout Patience) throws -> PostgresResult? {
        while PQisBusy(handle) == 1 { try wait(&patience) }
        return PQgetResult(handle).map(PostgresResult.init)
    }

    /// Waits until there is something to read, writing meanwhile what is still to be written.
    private func wait(_ patience: inout Patience) throws {
        let flushed = PQflush(handle)
        if flushed < 0, PQstatus(handle) != CONNECTION_OK { throw lost() }
        let events = Int16(POLLIN) | (flushed == 1 ? Int16(POLLOUT) : 0)
        var waits = [
            pollfd(fd: PQsocket(handle), events: events, revents: 0),
            pollfd(fd: patience.isInterruptible ? bell.descriptor : -1, events: Int16(POLLIN), revents: 0),
        ]
        let count = poll(&waits, 2, patience.timeout)
        if count < 0, errno != EINTR { throw lost("poll: \(String(cString: strerror(errno)))") }
        if count == 0 {
            if patience.isOver { throw lost("the server does not answer any more") }
            // The first request may have come before the statement.
            if patience.cancelSent { requestCancel() }
        }
        if waits[1].revents != 0 {
            bell.silence()
            patience.isInterruptible = false
            patience.cancelSent = true
            patience.deadline = .now + .seconds(10)
            requestCancel()
        }
        if waits[0].revents & ~Int16(POLLOUT) != 0, PQconsumeInput(handle) == 0 { throw lost() }
    }

    /// Asks the server to break off what it does; the answer then comes as an error, or the result all the same.
    private func requestCancel() {
        guard let request = PQgetCancel(handle) else { return }
        defer { PQfreeCancel(request) }
        var reason = [CChar](repeating: 0, count: 256)
        if PQcancel(request, &reason, Int32(reason.count)) == 0 {
            logger.warning("could not cancel a statement")
        }
    }

    private func diagnose(_ failure: PostgresError, of command: Sent) -> PostgresError {
        var failure = failure
        let shape: PostgresRequest.Shape?
        switch command {
        case .deallocate: shape = nil
        case .prepare(_, let prepared): shape = prepared
        case .execute(let request): shape = request.isPrepared ? request.shape : nil
        }
        switch command {
        case .execute(let request): failure.statement = request.sql
        case .prepare(_, let prepared): failure.statement = prepared.sql
        case .deallocate: break
        }
        if failure.code == .staleStatement {
            if failure.sqlState?.rawValue == "26000" { statements.forgetAll() }
            if let shape { statements.forget(shape) }
        }
        if PQstatus(handle) != CONNECTION_OK { failure.code = .connectionLost }
        if failure.code == .connectionLost {
            lastFailure = failure
            giveUp()
        }
        return failure
    }
}

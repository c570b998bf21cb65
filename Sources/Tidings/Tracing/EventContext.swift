import Tracing

/// How the context of the work at hand travels in an event's headers: what the process's instrument writes there
/// (`traceparent` and `tracestate` for W3C's), and the ids of correlation and causation.
enum EventContext {
    /// The headers of an event that is published in a context; those that the caller has given stay as they are.
    static func headers(_ own: [EventHeader], in context: ServiceContext? = .current) -> [EventHeader] {
        guard let context else { return own }
        var carried: [EventHeader] = []
        InstrumentationSystem.instrument.inject(context, into: &carried, using: HeaderInjector())
        if let id = context.correlationID { carried.append(EventHeader(CloudEvents.correlationIDHeader, id)) }
        if let id = context.causationID { carried.append(EventHeader(CloudEvents.causationIDHeader, id)) }
        if carried.isEmpty { return own }
        let names = Set(own.map(\.name))
        return own + carried.filter { !names.contains($0.name) }
    }

    private struct HeaderInjector: Injector {
        func inject(_ value: String, forKey key: String, into headers: inout [EventHeader]) {
            headers.append(EventHeader(key, value))
        }
    }
}

extension Delivery {
    /// What the event has in common with all that follow from the same beginning; nil where its writer did not say.
    public var correlationID: String? { header(CloudEvents.correlationIDHeader)?.text }

    /// The id of the event that was this one's cause; nil where its writer did not say.
    public var causationID: String? { header(CloudEvents.causationIDHeader)?.text }

    /// The context that the event's handler runs in.
    func context() -> ServiceContext {
        var context = ServiceContext.topLevel
        InstrumentationSystem.instrument.extract(headers, into: &context, using: HeaderExtractor())
        context.correlationID = correlationID ?? eventID?.rawValue
        context.causationID = eventID?.rawValue
        return context
    }

    /// Runs the part of a handler that is in the transaction, in a span of its own.
    func withSpan<R>(in context: ServiceContext, _ body: () throws -> R) rethrows -> R {
        let span = startSpan("process \(type ?? topic)", context: context, ofKind: .consumer)
        defer { span.end() }
        if span.isRecording {
            span.attributes["messaging.system"] = "kafka"
            span.attributes["messaging.destination.name"] = topic
            span.attributes["messaging.destination.partition.id"] = "\(partition)"
            span.attributes["messaging.kafka.offset"] = offset
            span.attributes["messaging.message.id"] = eventID?.rawValue
        }
        do {
            return try ServiceContext.withValue(span.context, operation: body)
        } catch {
            span.recordError(error)
            throw error
        }
    }

    private struct HeaderExtractor: Extractor {
        func extract(key: String, from headers: [EventHeader]) -> String? { headers.last { $0.name == key }?.text }
    }
}

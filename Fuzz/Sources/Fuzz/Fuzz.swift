import Glibc

/// What libFuzzer, which brings `main`, calls with each input. `FUZZ_TARGET` says who gets it:
///
///     FUZZ_TARGET=messages|batches|recovery Fuzz [libFuzzer's arguments]
///
/// A target must not trap, whatever the bytes are; an error is a good answer. libFuzzer writes the input that broke it to
/// a file, which runs again as `FUZZ_TARGET=… Fuzz FILE`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target(start, count)
}

private let target: @Sendable (UnsafePointer<UInt8>?, Int) -> CInt = {
    switch getenv("FUZZ_TARGET").map({ String(cString: $0) }) {
    case "messages": fuzzMessage
    case "batches": fuzzBatches
    case "recovery": fuzzRecovery
    case let other: fatalError("FUZZ_TARGET=\(other ?? "") is none of messages, batches, recovery")
    }
}()

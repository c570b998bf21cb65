import CFuzzer

/// `Fuzz messages|batches|recovery [libFuzzer's arguments]`
///
/// A target must not trap, whatever the bytes are; an error is a good answer. libFuzzer writes the input that broke it to
/// a file, which runs again with `Fuzz TARGET FILE`.
@main
enum Fuzz {
    static func main() {
        guard CommandLine.argc >= 2, let name = CommandLine.unsafeArgv[1].map({ String(cString: $0) }) else {
            fatalError("which target?")
        }
        var count = CommandLine.argc - 1
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
        switch name {
        case "messages": _ = LLVMFuzzerRunDriver(&count, &arguments) { fuzzMessage($0, $1) }
        case "batches": _ = LLVMFuzzerRunDriver(&count, &arguments) { fuzzBatches($0, $1) }
        case "recovery": _ = LLVMFuzzerRunDriver(&count, &arguments) { fuzzRecovery($0, $1) }
        default: fatalError("there is no target \(name)")
        }
    }
}

import ArgumentParser

@main
struct Shop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shop", abstract: "The live example of Tidings.", version: "0.1.0")
}

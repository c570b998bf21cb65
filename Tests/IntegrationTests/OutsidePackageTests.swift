import Foundation
import Processes
import Testing

@Suite("A package from outside")
struct OutsidePackageTests {
    @Test("builds with Tidings and TidingsSQLite alone, on a machine without libpq, and runs")
    func needsNoLibpq() async throws {
        try await withTemporaryFolder { folder in
            let visible = try Self.pkgConfigFolder(in: folder, without: "libpq")
            let scratch = Programs.checkout + "/.build-outside"
            let build = try ChildProcess(
                "/usr/bin/env",
                [
                    "swift", "build", "--package-path", Programs.checkout + "/Tests/OutsidePackage",
                    "--scratch-path", scratch,
                ], environment: ["PKG_CONFIG_LIBDIR": visible])
            #expect(try await build.waitForExit(within: .seconds(600)) == 0, "\(build.lines)\n\(build.errors)")

            let linked = try ChildProcess("/usr/bin/ldd", [scratch + "/debug/Outside"])
            #expect(try await linked.waitForExit() == 0)
            #expect(linked.lines.contains { $0.contains("librdkafka") })
            #expect(!linked.lines.contains { $0.contains("libpq") })

            let program = try ChildProcess(scratch + "/debug/Outside", [folder + "/outside.sqlite"])
            #expect(try await program.waitForExit() == 0, "\(program.errors)")
            #expect(program.lines == ["waiting: 1"])
        }
    }

    /// A folder with every pkg-config file of the machine but one: the library is hidden, its headers are not found.
    private static func pkgConfigFolder(in folder: String, without hidden: String) throws -> String {
        let visible = folder + "/pkgconfig"
        let files = FileManager.default
        try files.createDirectory(atPath: visible, withIntermediateDirectories: true)
        for place in ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/share"] {
            let from = place + "/pkgconfig"
            for file in (try? files.contentsOfDirectory(atPath: from)) ?? [] where file != hidden + ".pc" {
                try? files.createSymbolicLink(atPath: "\(visible)/\(file)", withDestinationPath: "\(from)/\(file)")
            }
        }
        return visible
    }
}

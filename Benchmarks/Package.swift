// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "tidings-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "tidings", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
    ],
    targets: [
        .systemLibrary(name: "CRDKafkaReference", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        // The same loops in C, which the Swift client is measured against.
        .target(name: "CReference", dependencies: ["CRDKafkaReference"]),
        .executableTarget(
            name: "bench",
            dependencies: [
                .product(name: "KafkaClient", package: "tidings"),
                .product(name: "KafkaLog", package: "tidings"),
                .product(name: "KafkaProtocol", package: "tidings"),
                .product(name: "Tidings", package: "tidings"),
                .product(name: "TidingsSQLite", package: "tidings"),
                .product(name: "TidingsPostgres", package: "tidings"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                "CReference",
            ],
            path: "Sources/Bench",
            swiftSettings: [
                .swiftLanguageMode(.v6), .treatAllWarnings(as: .error), .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)

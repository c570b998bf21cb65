// swift-tools-version: 6.2

import PackageDescription

/// A package of somebody else's that uses Tidings with SQLite and nothing more: it must build without libpq.
let package = Package(
    name: "outside",
    dependencies: [.package(name: "tidings", path: "../..")],
    targets: [
        .executableTarget(
            name: "Outside",
            dependencies: [
                .product(name: "Tidings", package: "tidings"),
                .product(name: "TidingsSQLite", package: "tidings"),
            ])
    ]
)

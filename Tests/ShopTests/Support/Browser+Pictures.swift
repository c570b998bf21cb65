import Foundation
import Processes

/// What can be seen of a page at one moment, as a PNG.
struct Picture: Sendable {
    /// Where the pictures of a run are kept, for people to look at.
    static let folder = Programs.checkout + "/.build/screenshots"

    let png: Data

    func save(as name: String) throws {
        try FileManager.default.createDirectory(atPath: Self.folder, withIntermediateDirectories: true)
        try png.write(to: URL(fileURLWithPath: "\(Self.folder)/\(name).png"))
    }
}

extension Browser {
    /// Shows pages so wide, in CSS pixels, and to somebody who likes them light or dark.
    func look(width: Int, dark: Bool) async throws {
        try await devTools(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": 1200, "deviceScaleFactor": 1, "mobile": false])
        let scheme = ["name": "prefers-color-scheme", "value": dark ? "dark" : "light"]
        try await devTools("Emulation.setEmulatedMedia", ["features": [scheme]])
    }

    /// How far the page's content reaches, and how much of it the window shows, in CSS pixels.
    func widths() async throws -> (content: Double, window: Double) {
        let metrics = try await devTools("Page.getLayoutMetrics", [:])
        return (
            try Self.figure("cssContentSize", "width", in: metrics),
            try Self.figure("cssLayoutViewport", "clientWidth", in: metrics)
        )
    }

    /// The whole page as it is now, from top to bottom.
    func picture() async throws -> Picture {
        let metrics = try await devTools("Page.getLayoutMetrics", [:])
        let clip: [String: Any] = [
            "x": 0, "y": 0, "width": try Self.figure("cssLayoutViewport", "clientWidth", in: metrics),
            "height": try Self.figure("cssContentSize", "height", in: metrics), "scale": 1,
        ]
        let answer = try await devTools(
            "Page.captureScreenshot", ["captureBeyondViewport": true, "optimizeForSpeed": true, "clip": clip])
        guard let text = (answer as? [String: Any])?["data"] as? String, let png = Data(base64Encoded: text) else {
            throw TestFailure("no picture")
        }
        return Picture(png: png)
    }

    /// Keeps a picture of the page as it is now, for people to look at.
    func keepPicture(as name: String) async throws { try await picture().save(as: name) }

    /// What is to be seen on a picture, in its first screenful.
    struct Sight: Sendable {
        let width: Int
        /// How many different ones.
        let colours: Int
        /// From 0, all black, to 1, all white.
        let brightness: Double
    }

    /// Looks at a picture on an empty page.
    func sight(of picture: Picture) async throws -> Sight {
        let script = """
            const [png, done] = arguments;
            const image = new Image();
            image.onerror = () => done(null);
            image.onload = () => {
                const width = image.width;
                const height = Math.min(image.height, 1200);
                const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
                context.drawImage(image, 0, 0);
                const bytes = context.getImageData(0, 0, width, height).data;
                let sum = 0;
                for (let i = 0; i < bytes.length; i += 4) sum += bytes[i] + bytes[i + 1] + bytes[i + 2];
                const colours = new Set(new Uint32Array(bytes.buffer)).size;
                done({ width, colours, brightness: sum / (width * height * 3 * 255) });
            };
            image.src = "data:image/png;base64," + png;
            """
        let answer = try await command(
            "POST", "execute/async", ["script": script, "args": [picture.png.base64EncodedString()]])
        guard let seen = answer as? [String: Any], let width = seen["width"] as? NSNumber,
            let colours = seen["colours"] as? NSNumber, let brightness = seen["brightness"] as? NSNumber
        else { throw TestFailure("not a picture") }
        return Sight(width: width.intValue, colours: colours.intValue, brightness: brightness.doubleValue)
    }

    private static func figure(_ part: String, _ name: String, in metrics: Any?) throws -> Double {
        guard let value = ((metrics as? [String: Any])?[part] as? [String: Any])?[name] as? NSNumber else {
            throw TestFailure("no \(part).\(name) in \(String(describing: metrics))")
        }
        return value.doubleValue
    }

    @discardableResult
    private func devTools(_ name: String, _ parameters: [String: Any]) async throws -> Any? {
        try await command("POST", "goog/cdp/execute", ["cmd": name, "params": parameters])
    }
}

import ArgumentParser

/// A value of the command line that can say how it is written.
///
/// ```swift
/// @Option(transform: Point.read)
/// var from: Point?
/// ```
protocol Written: ExpressibleByArgument {
    /// The forms it has, behind "write".
    static var forms: String { get }
}

extension Written {
    /// - Throws: `ValidationError` with the forms.
    static func read(_ text: String) throws -> Self {
        guard let value = Self(argument: text) else { throw ValidationError("write \(forms)") }
        return value
    }
}

/// What a property's value is; the numbers are those of DescribeConfigs.
enum PropertyType: Int8, Sendable {
    case boolean = 1
    case string = 2
    case int = 3
    case long = 5
    case double = 6
    case list = 7

    static func integer(_ range: ClosedRange<Int64>) -> PropertyType {
        range.upperBound <= Int64(Int32.max) ? .int : .long
    }
}

"""Which functions analysts may call: those that only compute from their arguments.

Left out on purpose: whatever reads dictionaries, files, other tables or the server; whatever waits
or throws on demand; aggregate functions named by a string, and states of aggregates, which the
engine would read as bytes.
"""

from __future__ import annotations

from typing import Final

_AGGREGATES: Final = """
any anyHeavy anyLast argMax argMin avg avgWeighted corr count covarPop covarSamp deltaSum entropy
groupArray groupArrayLast groupArraySorted groupBitAnd groupBitOr groupBitXor groupConcat
groupUniqArray histogram kurtPop kurtSamp max median min quantile quantileDeterministic
quantileExact quantileExactHigh quantileExactLow quantileExactWeighted quantileTDigest
quantileTiming quantiles quantilesExact quantilesExactExclusive quantilesExactInclusive
quantilesTDigest quantilesTiming retention sequenceCount sequenceMatch simpleLinearRegression
skewPop skewSamp sparkbar stddevPop stddevSamp sum sumCount sumKahan sumWithOverflow topK
topKWeighted uniq uniqCombined uniqCombined64 uniqExact uniqHLL12 uniqUpTo varPop varSamp
windowFunnel
"""
COMBINATORS: Final = ("OrDefault", "OrNull", "Distinct", "ForEach", "Array", "Map", "If")

_WINDOWS: Final = """
cume_dist dense_rank denseRank first_value lag lagInFrame last_value lead leadInFrame nth_value
ntile percent_rank percentRank rank row_number
"""
_NUMBERS: Final = """
abs avg2 bitAnd bitCount bitNot bitOr bitShiftLeft bitShiftRight bitTest bitXor cbrt ceil ceiling
cos degrees divide divideOrNull e exp exp10 exp2 floor gcd greatest ifNotFinite intDiv intDivOrNull
intDivOrZero isFinite isInfinite isNaN lcm least ln log log10 log1p log2 max2 min2 minus modulo
moduloOrNull moduloOrZero multiply negate pi plus positiveModulo pow power radians round
roundBankers roundDown roundToExp2 sign sin sqrt tan trunc truncate widthBucket width_bucket
"""
_LOGIC: Final = """
and assumeNotNull coalesce empty equals greater greaterOrEquals if ifNull isNotNull isNull
isZeroOrNull less lessOrEquals multiIf not notEmpty notEquals nullIf or toNullable transform xor
"""
_TEXT: Final = """
ascii base64Decode base64Encode concat concatWithSeparator countMatches countSubstrings
countSubstringsCaseInsensitive cutQueryString cutURLParameter cutWWW decodeURLComponent domain
domainWithoutWWW editDistance encodeURLComponent endsWith extract extractAll extractGroups
extractURLParameter format hex ilike initcap leftPad left leftUTF8 length lengthUTF8 like locate
lower lowerUTF8 match ngramDistance notILike notLike path position positionCaseInsensitive
positionCaseInsensitiveUTF8 positionUTF8 protocol repeat replace replaceAll replaceOne
replaceRegexpAll replaceRegexpOne reverse reverseUTF8 right rightPad rightUTF8 splitByChar
splitByRegexp splitByString splitByWhitespace startsWith substr substring substringIndex
substringUTF8 topLevelDomain trim trimBoth trimLeft trimRight unhex upper upperUTF8
"""
_JSON: Final = """
isValidJSON JSONArrayLength JSONExtract JSONExtractArrayRaw JSONExtractBool JSONExtractFloat
JSONExtractInt JSONExtractKeys JSONExtractKeysAndValues JSONExtractKeysAndValuesRaw JSONExtractRaw
JSONExtractString JSONExtractUInt JSONHas JSONKey JSONLength JSONType JSON_EXISTS JSON_QUERY
JSON_VALUE simpleJSONExtractBool simpleJSONExtractFloat simpleJSONExtractInt simpleJSONExtractRaw
simpleJSONExtractString simpleJSONExtractUInt simpleJSONHas toJSONString
"""
_TIMES: Final = """
addDays addHours addMicroseconds addMilliseconds addMinutes addMonths addQuarters addSeconds
addWeeks addYears date_diff date_trunc dateDiff dateName
dateTrunc formatDateTime fromUnixTimestamp fromUnixTimestamp64Micro fromUnixTimestamp64Milli
makeDate makeDateTime monthName now now64 parseDateTime parseDateTimeBestEffort
parseDateTimeBestEffortOrNull parseDateTime64BestEffort parseDateTime64BestEffortOrNull
subtractDays subtractHours subtractMinutes subtractMonths subtractQuarters subtractSeconds
subtractWeeks subtractYears timeSlot timezone timezoneOf timezoneOffset toDate toDate32
toDateOrNull toDateTime toDateTime64 toDateTime64OrNull toDateTimeOrNull toDayOfMonth toDayOfWeek
toDayOfYear toDaysInMonth toHour toISOWeek toISOYear toIntervalDay toIntervalHour toIntervalMinute
toIntervalMonth toIntervalQuarter toIntervalSecond toIntervalWeek toIntervalYear toLastDayOfMonth
toLastDayOfWeek toMinute toMonday toMonth toQuarter toRelativeDayNum toRelativeHourNum
toRelativeMonthNum toRelativeWeekNum toRelativeYearNum toSecond toStartOfDay
toStartOfFifteenMinutes toStartOfFiveMinutes toStartOfHour toStartOfISOYear toStartOfInterval
toStartOfMinute toStartOfMonth toStartOfQuarter toStartOfSecond toStartOfTenMinutes toStartOfWeek
toStartOfYear toTimezone toUnixTimestamp toUnixTimestamp64Micro toUnixTimestamp64Milli toWeek
toYYYYMM toYYYYMMDD toYYYYMMDDhhmmss toYear toYearWeek today tumble tumbleEnd tumbleStart yesterday
"""
_ARRAYS: Final = """
array arrayAll arrayAvg arrayCompact arrayConcat arrayCount arrayCumSum arrayDifference
arrayDistinct arrayElement arrayEnumerate arrayEnumerateUniq arrayExists arrayFill arrayFilter
arrayFirst arrayFirstIndex arrayFlatten arrayIntersect arrayJoin arrayLast arrayLastIndex arrayMap
arrayMax arrayMin arrayPopBack arrayPopFront arrayProduct arrayPushBack arrayPushFront arrayResize
arrayReverse arrayReverseSort arraySlice arraySort arrayStringConcat arraySum arrayUniq arrayZip
countEqual has hasAll hasAny hasSubstr indexOf map mapAdd mapContains mapContainsKey mapFilter
mapFromArrays mapKeys mapSubtract mapValues range tuple tupleElement
"""
_TYPES: Final = """
cast lowCardinalityKeys toBool toDecimal128 toDecimal32
toDecimal64 toDecimalString toFixedString toFloat32 toFloat32OrNull toFloat32OrZero toFloat64
toFloat64OrNull toFloat64OrZero toInt16 toInt32 toInt32OrNull toInt32OrZero toInt64 toInt64OrNull
toInt64OrZero toInt8 toLowCardinality toString toTypeName toUInt16 toUInt32 toUInt32OrNull
toUInt32OrZero toUInt64 toUInt64OrNull toUInt64OrZero toUInt8 toUUID toUUIDOrNull toUUIDOrZero
"""
_OTHER: Final = """
bar cityHash64 currentDatabase current_database exists formatReadableDecimalSize
formatReadableQuantity formatReadableSize formatReadableTimeDelta grouping identity MD5 materialize
rowNumberInAllBlocks runningDifference SHA256 sipHash64 version xxHash64
"""

BY_PURPOSE: Final = {
    "aggregates": tuple(_AGGREGATES.split()),
    "windows": tuple(_WINDOWS.split()),
    "numbers": tuple(_NUMBERS.split()),
    "logic": tuple(_LOGIC.split()),
    "text": tuple(_TEXT.split()),
    "JSON": tuple(_JSON.split()),
    "times": tuple(_TIMES.split()),
    "arrays, maps, tuples": tuple(_ARRAYS.split()),
    "types": tuple(_TYPES.split()),
    "other": tuple(_OTHER.split()),
}
LISTED: Final = tuple(name for names in BY_PURPOSE.values() for name in names)
_ALLOWED: Final = frozenset(name.lower() for name in LISTED)
_AGGREGATE_NAMES: Final = frozenset(name.lower() for name in BY_PURPOSE["aggregates"])


def is_allowed(name: str) -> bool:
    """Whether analysts may call it; aggregates with combinators too, such as `sumIf`."""
    lowered = name.lower()
    if lowered in _ALLOWED:
        return True
    return any(
        lowered.endswith(ending.lower()) and _is_aggregate(lowered[: -len(ending)])
        for ending in COMBINATORS
    )


def _is_aggregate(lowered: str) -> bool:
    """Whether it is an aggregate, with at most two more combinators."""
    if lowered in _AGGREGATE_NAMES:
        return True
    return any(
        lowered[: -len(ending)] in _AGGREGATE_NAMES
        for ending in COMBINATORS
        if lowered.endswith(ending.lower())
    )

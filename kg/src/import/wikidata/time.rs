//! Points in time. In: Wikidata's time, precision and calendar. Out: a date as ISO 8601-2 writes it, in the proleptic
//! Gregorian calendar, or words where it is too coarse for that.

use super::super::triple::date;
use crate::statement::Object;

const DAY: u8 = 11;
const MONTH: u8 = 10;
const YEAR: u8 = 9;
const DECADE: u8 = 8;
const CENTURY: u8 = 7;

/// The date of `+1952-03-11T00:00:00Z`; `None` where it is none. Here the year before 1 is −1, as in Wikidata's JSON.
pub(super) fn object(time: &str, precision: u8, julian: bool) -> Option<Object> {
    let (sign, rest) = time.split_at_checked(1)?;
    let before_christ = match sign {
        "+" => false,
        "-" => true,
        _ => return None,
    };
    let (day, _) = rest.split_once('T')?;
    let mut parts = day.split('-');
    let mut number = |digits: std::ops::RangeInclusive<usize>| {
        let part = parts.next()?;
        let plain = digits.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse::<i64>().ok())?
    };
    let (year, month, day) = (number(1..=16)?, number(2..=2)?, number(2..=2)?);
    if parts.next().is_some() || month > 12 || day > 31 || precision > 14 {
        return None;
    }
    Some(written(year, month, day, precision, before_christ, julian))
}

fn written(year: i64, month: i64, day: i64, precision: u8, before_christ: bool, julian: bool) -> Object {
    let words = |text: String| Object::Text { text, language: Some("en".to_owned()) };
    let era = if before_christ { " BC" } else { "" };
    if year > 999_999 || precision < CENTURY {
        return words(match precision {
            6 => format!("{} millennium{era}", ordinal((year.max(1) - 1) / 1000 + 1)),
            _ => format!("{year}{era}"),
        });
    }
    match precision {
        CENTURY if before_christ || year > 9999 => {
            words(format!("{} century{era}", ordinal((year.max(1) - 1) / 100 + 1)))
        }
        DECADE if before_christ || year > 9999 => words(format!("{}s{era}", year / 10 * 10)),
        // The year 1900 is in the 19th century, of which most years begin with 18.
        CENTURY => Object::Date(format!("{:02}XX", (year.max(1) - 1) / 100)),
        DECADE => Object::Date(format!("{:03}X", year / 10)),
        _ => {
            // ISO has a year 0, which is 1 BC.
            let year = if before_christ { 1 - year } else { year };
            Object::Date(exact(year, month, day, precision, julian))
        }
    }
}

/// A year, month or day, as precise as it is known and valid.
fn exact(year: i64, month: i64, day: i64, precision: u8, julian: bool) -> String {
    let of_year = |year: i64| if year < 0 { format!("-{:04}", -year) } else { format!("{year:04}") };
    if precision >= DAY && month > 0 && day > 0 {
        let (year, month, day) = if julian { gregorian(year, month, day) } else { (year, month, day) };
        let text = format!("{}-{month:02}-{day:02}", of_year(year));
        if date(&text).is_some() {
            return text;
        }
    }
    if precision >= MONTH && month > 0 {
        return format!("{}-{month:02}", of_year(year));
    }
    debug_assert!(precision >= YEAR);
    of_year(year)
}

/// The Gregorian date of a Julian one, by way of the Julian day number (Richards, Explanatory Supplement to the
/// Astronomical Almanac, 3rd edition, section 15.11). Years count 0 for 1 BC.
fn gregorian(year: i64, month: i64, day: i64) -> (i64, i64, i64) {
    let (shift, from_march) = ((14 - month) / 12, month + 12 * ((14 - month) / 12) - 3);
    // Whole cycles of 400 years are added, so that no quotient is negative; Julian ones have 3 days more.
    const CYCLES: i64 = 2600;
    let years = year + 400 * CYCLES + 4800 - shift;
    let day_number = day + (153 * from_march + 2) / 5 + 365 * years + years / 4 - 32083 - 146_100 * CYCLES;

    let days = day_number + 146_097 * CYCLES;
    let f = days + 1401 + (4 * days + 274_277) / 146_097 * 3 / 4 - 38;
    let e = 4 * f + 3;
    let h = 5 * (e % 1461 / 4) + 2;
    let (day, month) = ((h % 153) / 5 + 1, (h / 153 + 2) % 12 + 1);
    (e / 1461 - 4716 + (14 - month) / 12 - 400 * CYCLES, month, day)
}

fn ordinal(number: i64) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(time: &str, precision: u8) -> String {
        match object(time, precision, false) {
            Some(Object::Date(date)) => date,
            Some(Object::Text { text, .. }) => format!("({text})"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn dates_are_as_precise_as_they_are_known() {
        assert_eq!(of("+1952-03-11T00:00:00Z", 11), "1952-03-11");
        assert_eq!(of("+1952-03-00T00:00:00Z", 10), "1952-03");
        assert_eq!(of("+1952-00-00T00:00:00Z", 9), "1952");
        assert_eq!(of("+1960-00-00T00:00:00Z", 8), "196X");
        assert_eq!(of("+1801-00-00T00:00:00Z", 7), "18XX");
        assert_eq!(of("+1900-00-00T00:00:00Z", 7), "18XX");
        assert_eq!(of("+0100-00-00T00:00:00Z", 7), "00XX");
        assert_eq!(of("-0044-03-15T00:00:00Z", 11), "-0043-03-15");
        assert_eq!(of("-0001-00-00T00:00:00Z", 9), "0000");
        assert_eq!(of("-0500-00-00T00:00:00Z", 7), "(5th century BC)");
        assert_eq!(of("+2000-00-00T00:00:00Z", 6), "(2nd millennium)");
        assert_eq!(of("-13798000000-00-00T00:00:00Z", 3), "(13798000000 BC)");
        assert_eq!(of("+00000001994-01-01T00:00:00Z", 11), "1994-01-01");
        // A day that is none leaves the month.
        assert_eq!(of("+2023-02-30T00:00:00Z", 11), "2023-02");
        for bad in ["", "1952-03-11", "+1952", "+1952-13-01T00:00:00Z", "+x-01-01T00:00:00Z", "é952-03-11T"]
        {
            assert_eq!(object(bad, 11, false), None, "{bad}");
        }
    }

    #[test]
    fn julian_days_are_converted() {
        for (julian, expected) in [
            ((1582, 10, 5), (1582, 10, 15)),
            ((1642, 12, 25), (1643, 1, 4)),
            ((1900, 3, 1), (1900, 3, 14)),
            ((1, 1, 1), (0, 12, 30)),
            ((-43, 3, 15), (-43, 3, 13)),
            ((-4712, 1, 1), (-4713, 11, 24)),
        ] {
            assert_eq!(gregorian(julian.0, julian.1, julian.2), expected);
        }
        let newton = object("+1642-12-25T00:00:00Z", 11, true);
        assert_eq!(newton, Some(Object::Date("1643-01-04".into())));
        assert_eq!(object("+1642-12-00T00:00:00Z", 10, true), Some(Object::Date("1642-12".into())));
    }
}

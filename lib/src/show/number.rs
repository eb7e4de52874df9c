//! Numbers: which types a plot accepts, and how a reader sees them.

/// A number that a plot can show.
pub trait Number: Copy {
    /// Returns the nearest 64-bit float.
    fn to_f64(self) -> f64;
}

macro_rules! numbers {
    ($($t:ty),*) => {$(
        impl Number for $t {
            fn to_f64(self) -> f64 { self as f64 }
        }
    )*};
}
numbers!(f32, f64, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

/// Formats a number with at most four significant digits (whole numbers in full), with commas between
/// thousands.
pub(crate) fn format(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let size = value.abs();
    if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        return format!("{value:.3e}");
    }
    let decimals = match size {
        size if size.fract() == 0.0 || size >= 1_000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        size if size >= 1.0 => 3,
        _ => 4,
    };
    rounded(value, decimals)
}

/// Formats a number with at most this many decimals, with commas between thousands.
pub(crate) fn rounded(value: f64, decimals: usize) -> String {
    let digits = format!("{value:.decimals$}");
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let whole = match whole {
        "-0" if fraction.is_empty() => "0",
        whole => whole,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{point}{fraction}", thousands(whole))
}

/// Puts commas between the thousands of a whole number's digits.
fn thousands(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let mut out = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Writes a number with its noun: `1 case`, `2 cases`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    format!("{} {noun}{}", thousands(&n.to_string()), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_readable() {
        let shown = [
            (0.0, "0"),
            (-0.0, "0"),
            (100.0, "100"),
            (1234567.0, "1,234,567"),
            (-1234.5, "-1,234"),
            (2.345_678, "2.346"),
            (0.68, "0.68"),
            (99.96, "99.96"),
            (0.00001, "1.000e-5"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in shown {
            assert_eq!(format(value), text);
        }
        assert_eq!(count(1, "case"), "1 case");
        assert_eq!(count(2_000, "case"), "2,000 cases");
    }
}

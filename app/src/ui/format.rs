//! Numbers as people read them.

/// A number of bytes, e.g. `1.4 MB`. Units of 1000, as browsers and disks count.
#[must_use]
pub fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 999.5 {
            return if unit == "B" || value >= 99.5 {
                format!("{value:.0} {unit}")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// A whole number with thin gaps between thousands.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A large number in short, e.g. `1.2 M`.
#[must_use]
pub fn short(number: u64) -> String {
    match number {
        0..=9_999 => count(number),
        10_000..=999_499 => format!("{:.0} k", number as f64 / 1e3),
        _ => format!("{:.1} M", number as f64 / 1e6),
    }
}

/// About how long `left` things take at `per_s` a second; `None` while the speed is not known.
pub fn time_left(left: u64, per_s: f64) -> Option<String> {
    if left == 0 || per_s.is_nan() || per_s <= 0.0 {
        return None;
    }
    let minutes = (left as f64 / per_s / 60.0).ceil();
    Some(if minutes <= 1.0 {
        "under a minute".to_owned()
    } else if minutes < 90.0 {
        format!("about {minutes} min")
    } else {
        format!("about {} h", (minutes / 60.0).ceil())
    })
}

/// Whole per cent of a part; 100 only when the part is the whole.
#[must_use]
pub fn percent(done: u32, total: u32) -> u32 {
    if total == 0 || done >= total {
        return 100;
    }
    (u64::from(done) * 100 / u64::from(total)).min(99) as u32
}

/// How long ago, e.g. `5 minutes ago`.
#[must_use]
pub fn ago(then_ms: f64, now_ms: f64) -> String {
    let minutes = ((now_ms - then_ms) / 60_000.0).max(0.0) as u64;
    let (number, unit) = match minutes {
        0 => return "just now".into(),
        1..=59 => (minutes, "minute"),
        60..=1_439 => (minutes / 60, "hour"),
        _ => (minutes / 1_440, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural} ago")
}

/// A number with its noun, in the plural where that is right.
#[must_use]
pub fn several(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_is_left_is_rounded_up() {
        assert_eq!(time_left(0, 10.0), None);
        assert_eq!(time_left(10, 0.0), None);
        assert_eq!(time_left(10, f64::NAN), None);
        assert_eq!(time_left(590, 10.0).as_deref(), Some("under a minute"));
        assert_eq!(time_left(610, 10.0).as_deref(), Some("about 2 min"));
        assert_eq!(time_left(57_600, 8.0).as_deref(), Some("about 2 h"));
        assert_eq!(time_left(60 * 149, 1.0).as_deref(), Some("about 3 h"));
    }

    #[test]
    fn sizes() {
        let shown: Vec<String> = [0, 999, 1_000, 1_440, 99_600, 2_400_000, 3_200_000_000].map(bytes).into();
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "1.4 kB", "100 kB", "2.4 MB", "3.2 GB"]);
    }

    #[test]
    fn numbers() {
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!((count(0), count(999)), ("0".to_owned(), "999".to_owned()));
        assert_eq!(
            (short(9_999), short(48_500), short(1_250_000)),
            ("9\u{202f}999".to_owned(), "48 k".to_owned(), "1.2 M".to_owned())
        );
        assert_eq!((several(1, "file"), several(2, "file")), ("1 file".to_owned(), "2 files".to_owned()));
    }

    #[test]
    fn a_hundred_per_cent_means_all() {
        assert_eq!((percent(999, 1000), percent(9_999_999, 10_000_000), percent(5, 5)), (99, 99, 100));
        assert_eq!((percent(0, 0), percent(1, 3)), (100, 33));
    }

    #[test]
    fn times() {
        let minute = 60_000.0;
        assert_eq!(ago(0.0, 30_000.0), "just now");
        assert_eq!(ago(5.0 * minute, 4.0 * minute), "just now");
        assert_eq!(ago(0.0, minute), "1 minute ago");
        assert_eq!(ago(0.0, 150.0 * minute), "2 hours ago");
        assert_eq!(ago(0.0, 3.0 * 1_440.0 * minute), "3 days ago");
    }
}

//! Which rows of a long list are worth having in the page.

use std::ops::Range;

/// Rows kept above and below what is visible, so that scrolling shows no gaps.
const SPARE_ROWS: usize = 12;

/// The rows to render for a scroll position. All lengths in CSS pixels.
#[must_use]
pub fn visible_rows(scroll_top_px: f64, height_px: f64, row_px: f64, num_rows: usize) -> Range<usize> {
    let first = (scroll_top_px.max(0.0) / row_px) as usize;
    let shown = (height_px.max(0.0) / row_px) as usize + 2;
    let start = first.saturating_sub(SPARE_ROWS).min(num_rows);
    let end = (first + shown + SPARE_ROWS).min(num_rows);
    start..end.max(start)
}

/// Where to scroll so that a row is inside the view; `None` when it is already.
#[must_use]
pub fn scroll_to_row(row: usize, scroll_top_px: f64, height_px: f64, row_px: f64) -> Option<f64> {
    let top = row as f64 * row_px;
    if top < scroll_top_px {
        Some(top)
    } else if top + row_px > scroll_top_px + height_px {
        Some((top + row_px - height_px).max(0.0))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_rendered() {
        assert_eq!(visible_rows(0.0, 220.0, 22.0, 100_000), 0..24);
        let rows = visible_rows(22_000.0, 220.0, 22.0, 100_000);
        assert_eq!(rows, 988..1024);
        assert_eq!(visible_rows(1e9, 220.0, 22.0, 10), 10..10);
        assert_eq!(visible_rows(-5.0, -1.0, 22.0, 3), 0..3);
    }

    #[test]
    fn a_row_is_brought_into_view_with_the_least_scrolling() {
        assert_eq!(scroll_to_row(2, 0.0, 220.0, 22.0), None);
        assert_eq!(scroll_to_row(2, 100.0, 220.0, 22.0), Some(44.0));
        assert_eq!(scroll_to_row(10, 0.0, 220.0, 22.0), Some(22.0));
        assert_eq!(scroll_to_row(0, 0.0, 5.0, 22.0), Some(17.0));
    }
}

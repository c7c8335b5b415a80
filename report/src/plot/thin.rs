//! Fewer points than pixels: long series become their mean between their lowest and highest.
//!
//! Owns: how points are put together. Nothing is left out: an outlier of one window is in the envelope.

use super::lines::Point;

/// A point for every so many points of width.
const EVERY: f64 = 2.0;

/// The points of a line that is so wide, in order of `x`; those of one stretch put together where there are more than
/// can be told apart.
pub fn thin(points: &[Point], width: f64) -> Vec<Point> {
    let most = (width / EVERY).max(2.0) as usize;
    if points.len() <= most {
        return points.to_vec();
    }
    let each = points.len().div_ceil(most);
    points.chunks(each).map(together).collect()
}

fn together(points: &[Point]) -> Point {
    let seen = || points.iter().filter(|point| point.y.is_finite());
    let count = seen().count() as f64;
    let (first, last) = (points[0].x, points[points.len() - 1].x);
    let x = f64::midpoint(first, last);
    if count == 0.0 {
        return Point::at(x, f64::NAN);
    }
    Point {
        x,
        y: seen().map(|point| point.y).sum::<f64>() / count,
        low: seen().map(Point::lowest).fold(f64::INFINITY, f64::min),
        high: seen().map(Point::highest).fold(f64::NEG_INFINITY, f64::max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a spike of one second in a day that the picture does not show.
    #[test]
    fn a_spike_is_in_the_envelope_and_a_gap_stays_a_gap() {
        let mut points: Vec<Point> = (0..86_400).map(|second| Point::at(f64::from(second), 1.0)).collect();
        points[40_000].y = 99.0;
        points[60_000..70_000].iter_mut().for_each(|point| point.y = f64::NAN);
        let thinned = thin(&points, 600.0);
        assert!(thinned.len() <= 300);
        let highest = thinned.iter().map(Point::highest).fold(0.0, f64::max);
        assert_eq!(highest, 99.0);
        assert!(thinned.iter().any(|point| point.y.is_nan()));
        assert_eq!(thin(&points[..100], 600.0).len(), 100);
    }
}

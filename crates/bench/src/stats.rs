//! Medians and percentiles.

/// The middle value; of an even count, the mean of the middle two. Zero of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (Some(upper), 0) => (sorted[middle - 1] + upper) / 2.0,
        (Some(value), _) => *value,
        (None, _) => 0.0,
    }
}

/// The smallest value that so many in a hundred do not exceed (nearest rank). Zero of nothing.
pub(crate) fn percentile(values: &[f64], hundredths: usize) -> f64 {
    let sorted = sorted(values);
    let rank = (sorted.len() * hundredths).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn one_of_two_hundred_slow_ones_does_not_make_the_99th_percentile_slow_and_three_do() {
        let mut values = vec![1.0; 199];
        values.push(50.0);
        assert_eq!(percentile(&values, 99), 1.0);
        values[0] = 50.0;
        values[1] = 50.0;
        assert_eq!(percentile(&values, 99), 50.0);
        assert_eq!(percentile(&values, 50), 1.0);
        assert_eq!(percentile(&[], 50), 0.0);
    }
}

//! Poisson arrivals whose rate goes to and fro between two values (MMPP) before one exponential server.
//!
//! Owns: the queue in steady state by the matrix-geometric method.
//! Sources: Neuts, "Matrix-Geometric Solutions in Stochastic Models" (1981), chapter 6; Fischer and Meier-Hellstern, "The
//! Markov-modulated Poisson process cookbook", Performance Evaluation 18 (1993).

/// Two by two.
type Matrix = [[f64; 2]; 2];

/// A calm and a burst in turn, each exponentially long.
#[derive(Copy, Clone, Debug)]
pub struct Modulated {
    /// Arrivals a second in the calm and in the burst.
    pub rates: [f64; 2],
    /// Mean length of each in seconds.
    pub lasts: [f64; 2],
    /// Mean service in seconds.
    pub service: f64,
}

/// The figures of such a queue.
#[derive(Copy, Clone, Debug)]
pub struct Figures {
    /// Arrivals a second on average.
    pub arrival: f64,
    /// Share of arrivals that wait: more come in the burst, when there is a line.
    pub waited: f64,
    /// Mean wait in seconds, zeros included.
    pub wait_mean: f64,
    /// Mean number waiting.
    pub queue_mean: f64,
    /// Share of time that the server is busy.
    pub utilisation: f64,
}

impl Modulated {
    /// The figures.
    ///
    /// # Panics
    /// When the server cannot keep up on average.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let [calm, burst] = self.lasts;
        let arrival = (self.rates[0] * calm + self.rates[1] * burst) / (calm + burst);
        let served = 1.0 / self.service;
        assert!(arrival < served, "a server cannot keep up");
        let up: Matrix = [[self.rates[0], 0.0], [0.0, self.rates[1]]];
        let turn: Matrix = [[-1.0 / calm, 1.0 / calm], [1.0 / burst, -1.0 / burst]];
        let within = |busy: f64| {
            let mut rates = turn;
            for (phase, (row, arrivals)) in rates.iter_mut().zip(self.rates).enumerate() {
                row[phase] -= arrivals + busy;
            }
            rates
        };
        // The least solution of up + R within + R² served = 0, by substitution from nothing.
        let inverse = inverted(within(served));
        let mut ratio: Matrix = [[0.0; 2]; 2];
        loop {
            let square = product(ratio, ratio);
            let mut right = up;
            for (row, squares) in right.iter_mut().zip(square) {
                for (cell, square) in row.iter_mut().zip(squares) {
                    *cell = -(*cell + square * served);
                }
            }
            let next = product(right, inverse);
            let change = (0..4).map(|at| (next[at / 2][at % 2] - ratio[at / 2][at % 2]).abs());
            let settled = change.fold(0.0, f64::max) < 1e-16;
            ratio = next;
            if settled {
                break;
            }
        }
        // Empty: what leaves it comes back by one service from the level above.
        let mut empty = within(0.0);
        for (row, ratios) in empty.iter_mut().zip(ratio) {
            for (cell, ratio) in row.iter_mut().zip(ratios) {
                *cell += ratio * served;
            }
        }
        // One equation of the two suffices; the other is that all shares sum to one.
        let weights = [-empty[1][0], empty[0][0]];
        let sums = inverted([[1.0 - ratio[0][0], -ratio[0][1]], [-ratio[1][0], 1.0 - ratio[1][1]]]);
        let all = applied(weights, sums);
        let scale = 1.0 / (all[0] + all[1]);
        let empty = weights.map(|weight| weight * scale);
        // Shares of time by phase with one or more in the system, and with each further one counted again.
        let busy = applied(applied(empty, ratio), sums);
        let in_system = applied(busy, sums);
        let waiting = busy[0] * self.rates[0] + busy[1] * self.rates[1];
        let queue_mean = in_system[0] + in_system[1] - busy[0] - busy[1];
        Figures {
            arrival,
            waited: waiting / arrival,
            wait_mean: queue_mean / arrival,
            queue_mean,
            utilisation: busy[0] + busy[1],
        }
    }
}

fn product(left: Matrix, right: Matrix) -> Matrix {
    left.map(|row| applied(row, right))
}

fn applied(row: [f64; 2], matrix: Matrix) -> [f64; 2] {
    [
        row[0] * matrix[0][0] + row[1] * matrix[1][0],
        row[0] * matrix[0][1] + row[1] * matrix[1][1],
    ]
}

fn inverted(matrix: Matrix) -> Matrix {
    let [[a, b], [c, d]] = matrix;
    let determinant = a * d - b * c;
    [[d / determinant, -b / determinant], [-c / determinant, a / determinant]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::erlang::MultiServer;
    use crate::validate::theory::general_arrivals::GeneralArrivals;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn equal_rates_are_no_bursts() {
        // Lost: the whole solution.
        let plain = Modulated {
            rates: [8.0, 8.0],
            lasts: [3.0, 1.0],
            service: 0.1,
        };
        let (figures, textbook) = (plain.figures(), MultiServer::new(8.0, 0.1, 1));
        check_close("waited", figures.waited, 0.8, 1e-10);
        check_close("wait", figures.wait_mean, textbook.wait_mean(), 1e-9);
        check_close("busy", figures.utilisation, 0.8, 1e-10);
    }

    #[test]
    fn arrivals_in_bursts_alone_are_independent_gaps() {
        // Lost: the phases. A stream that is off in the calm has independent gaps of two exponential branches (Kuczura,
        // "The interrupted Poisson process as an overflow process", 1973): the transform below.
        let (rate, calm, burst) = (20.0, 2.0, 1.0);
        let interrupted = Modulated {
            rates: [0.0, rate],
            lasts: [calm, burst],
            service: 0.1,
        };
        let gaps = |at: f64| {
            let (back, off) = (1.0 / calm, 1.0 / burst);
            rate * (at + back) / ((at + rate + off) * (at + back) - off * back)
        };
        let (figures, renewal) = (interrupted.figures(), GeneralArrivals::new(gaps, 0.1));
        check_close("waited", figures.waited, renewal.waited(), 1e-10);
        check_close("wait", figures.wait_mean, renewal.wait_mean(), 1e-9);
    }
}

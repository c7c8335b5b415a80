//! The counts of requests, put together by endpoint, class and phase.
//!
//! Owns: merging cells. Never: figures.

use crate::measure::{Cell, Record};
use highwater_program::model::Model;

/// A group's cell in every replication.
pub type Cells = Vec<Cell>;

/// Requests of the whole run and of its parts. A part that no replication saw is left out.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    /// Everything.
    pub whole: Cells,
    /// By endpoint, in the order of the model.
    pub endpoints: Vec<(String, Cells)>,
    /// By class.
    pub classes: Vec<(String, Cells)>,
    /// By phase; empty for a load that is all one phase without a name.
    pub phases: Vec<(String, Cells)>,
}

impl Groups {
    /// Of these replications.
    #[must_use]
    pub fn new(model: &Model, records: &[Record]) -> Self {
        let endpoints: Vec<&str> = model.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
        let classes: Vec<&str> = model.classes.iter().map(String::as_str).collect();
        let phases: Vec<&str> = match model.phases.as_slice() {
            [only] if only.is_empty() => Vec::new(),
            named => named.iter().map(String::as_str).collect(),
        };
        Self {
            whole: records.iter().map(|record| merged(record, |_| true)).collect(),
            endpoints: by_name(records, &endpoints, |(endpoint, _, _)| endpoint),
            classes: by_name(records, &classes, |(_, class, _)| class),
            phases: by_name(records, &phases, |(_, _, phase)| phase),
        }
    }

    /// The cells of an endpoint, class or phase.
    #[must_use]
    pub fn find<'a>(named: &'a [(String, Cells)], name: &str) -> Option<&'a [Cell]> {
        named
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, cells)| cells.as_slice())
    }
}

/// Things of one name count as one: two streams may have a phase of the same name.
fn by_name(
    records: &[Record],
    names: &[&str],
    number: impl Fn((usize, usize, usize)) -> usize,
) -> Vec<(String, Cells)> {
    let mut groups = Vec::new();
    for (first, name) in names.iter().enumerate() {
        if names[..first].contains(name) {
            continue;
        }
        let is_it = |of| names.get(number(of)) == Some(name);
        let cells: Cells = records.iter().map(|record| merged(record, is_it)).collect();
        if cells.iter().any(|cell| cell.offered > 0 || cell.attempts > 0) {
            groups.push(((*name).to_owned(), cells));
        }
    }
    groups
}

fn merged(record: &Record, is_it: impl Fn((usize, usize, usize)) -> bool) -> Cell {
    let mut sum = Cell::default();
    for (index, cell) in record.cells.iter().enumerate() {
        if let Some(cell) = cell
            && is_it(record.cell_names(index))
        {
            sum.merge(cell);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample;

    // Lost if broken: an endpoint's figures would miss classes or phases, or hold another endpoint's requests.
    #[test]
    fn each_part_is_the_sum_of_its_cells_and_all_parts_are_the_whole() {
        let mut model = sample::model();
        model.phases = vec!["before".to_owned(), "peak".to_owned(), "before".to_owned()];
        model.classes = vec!["free".to_owned(), "paid".to_owned()];
        let mut record = Record::new(&model);
        let mut number = 1;
        for endpoint in 0..2 {
            for class in 0..2 {
                for phase in 0..3 {
                    record.cell(endpoint, class, phase).offered = number;
                    number *= 2;
                }
            }
        }
        let groups = Groups::new(&model, &[record]);
        let offered = |named: &[(String, Cells)]| -> Vec<(String, u64)> {
            named
                .iter()
                .map(|(name, cells)| (name.clone(), cells[0].offered))
                .collect()
        };
        assert_eq!(groups.whole[0].offered, 4095);
        assert_eq!(
            offered(&groups.endpoints),
            [("chat".to_owned(), 63), ("profile".to_owned(), 4032)]
        );
        assert_eq!(
            offered(&groups.classes),
            [("free".to_owned(), 455), ("paid".to_owned(), 3640)]
        );
        // The first and the third phase have one name and are one part.
        assert_eq!(
            offered(&groups.phases),
            [("before".to_owned(), 2925), ("peak".to_owned(), 1170)]
        );
    }
}

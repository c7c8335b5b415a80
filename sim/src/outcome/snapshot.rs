//! The state at the moments that a scenario asks for, over replications: what a transient is judged by.

use highwater_models::record::figures::Unit;

use super::build::Builder;
use crate::measure::SnapshotRecord;
use highwater_program::model::Model;

/// Figures under `snapshots`, by the moment's number: its time, requests in hand, users, and what each resource had in
/// service and in line. A replication that had ended by then was empty.
pub fn figures(build: &mut Builder, model: &Model) {
    for (number, at) in model.snapshots.iter().enumerate() {
        let number_text = number.to_string();
        let path = ["snapshots", &number_text];
        build.each(&[path[0], path[1], "at"], Unit::Seconds, |_| at.seconds());
        let mut each = |names: &[&str], of: &dyn Fn(&SnapshotRecord) -> f64| {
            let of_record = |record: &crate::measure::Record| record.snapshots.get(number).map_or(0.0, of);
            build.each(&[&path, names].concat(), Unit::Count, of_record);
        };
        each(&["in_system"], &|snapshot| snapshot.in_system);
        each(&["users"], &|snapshot| snapshot.users);
        for (index, resource) in model.resources.iter().enumerate() {
            each(&[&resource.name, "busy"], &|snapshot| snapshot.resources[index].0);
            each(&[&resource.name, "queue"], &|snapshot| snapshot.resources[index].1);
        }
    }
}

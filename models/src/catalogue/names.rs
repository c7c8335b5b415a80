//! What the checks of a file may ask of the catalogue.
//!
//! Owns: the way from the edition that a file names to an edition of the catalogue.
//! Never: the checks themselves.

use super::edition::Edition;
use crate::file;

impl Edition {
    /// The edition that a file's `catalogue` names; none where there is none of that day.
    #[must_use]
    pub fn of(named: &file::Edition) -> Option<&'static Self> {
        match named {
            file::Edition::Latest => Some(Self::latest()),
            file::Edition::Dated { year, month, day, .. } => Self::named(&format!("{year:04}-{month:02}-{day:02}")),
        }
    }
}

/// The names of plans or models that an edition has: what [`file::Request::catalogue`] takes. None where there is no
/// such edition.
#[must_use]
pub fn names(edition: &file::Edition, kind: file::CatalogueKind) -> Option<Vec<&'static str>> {
    let edition = Edition::of(edition)?;
    Some(match kind {
        file::CatalogueKind::ServicePlan => edition.web_plan_names(),
        file::CatalogueKind::DatabasePlan => edition.database_plan_names(),
        file::CatalogueKind::CachePlan => edition.cache_plan_names(),
        file::CatalogueKind::Model => edition.model_names(),
        file::CatalogueKind::Workspace => edition.workspace_names(),
    })
}

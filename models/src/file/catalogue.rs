//! What the checks ask the catalogue: which names of plans and models an edition has.
//!
//! Owns: the question.
//! Never: any plan or price.

use super::value::Edition;

/// What a name in a file may mean in the catalogue.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum CatalogueKind {
    /// A plan of a service.
    ServicePlan,
    /// A plan of a database.
    DatabasePlan,
    /// A plan of a cache.
    CachePlan,
    /// A model of a provider.
    Model,
    /// A workspace of the platform.
    Workspace,
}

impl CatalogueKind {
    /// In a word or two.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::ServicePlan => "plan of a service",
            Self::DatabasePlan => "plan of a database",
            Self::CachePlan => "plan of a cache",
            Self::Model => "model",
            Self::Workspace => "workspace",
        }
    }
}

/// The names that an edition has; `None` where that is not known, so that any name goes.
pub type CatalogueNames = fn(&Edition, CatalogueKind) -> Option<Vec<&'static str>>;

/// A catalogue that knows nothing and so refuses nothing.
#[must_use]
pub fn any_name(_: &Edition, _: CatalogueKind) -> Option<Vec<&'static str>> {
    None
}

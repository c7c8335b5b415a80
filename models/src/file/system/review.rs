//! What the review of a design leaves alone, and why.
//!
//! Owns: the table `[review]`.
//! Never: the rules themselves (that is `review/`).

use crate::file::name::Named;
use crate::file::table::table;

table! {
    /// What the review of the design leaves alone.
    pub struct Review = "review" {
        /// A rule's id and the reason: findings of that rule are listed as allowed.
        allow: Named<String> = {} "nothing",
    }
}

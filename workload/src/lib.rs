//! Who comes and what chance decides.

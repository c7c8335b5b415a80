//! What the system would do.

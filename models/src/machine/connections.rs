//! (connections: under construction)

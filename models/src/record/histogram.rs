//! (histogram: under construction)

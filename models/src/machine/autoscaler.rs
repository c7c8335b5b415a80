//! (autoscaler: under construction)

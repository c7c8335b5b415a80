//! Reads and writes quantities with units: the only place that knows what "250ms" or "512 MB" means.

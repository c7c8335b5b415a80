//! (limiter: under construction)

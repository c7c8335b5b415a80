//! (provider_limit: under construction)

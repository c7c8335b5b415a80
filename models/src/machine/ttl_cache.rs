//! (ttl_cache: under construction)

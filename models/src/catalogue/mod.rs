//! Plans, prices, limits and models in dated editions, each figure with its standing and source.

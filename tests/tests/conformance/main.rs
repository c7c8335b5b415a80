//! Our machines against the real packages: traces recorded from the packages are replayed, and the machines have to
//! come to the same decisions at the same times. `cargo xtask conformance` records the traces anew.

mod limiter;
mod link;
mod page;
mod pool;
mod queue;
mod replay;
mod retry;
mod trace;

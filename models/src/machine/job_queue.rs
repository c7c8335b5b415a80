//! (job_queue: under construction)

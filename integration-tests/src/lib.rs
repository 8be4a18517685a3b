//! Drives the built service over HTTP, on both databases: see `tests/`.

//! What callers may send.

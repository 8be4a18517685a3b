//! The machine on which it runs: memory, open files, room on the disk. What the system doesn't tell is absent.

use std::fs;
use std::path::Path;

/// The memory that the process holds, in bytes.
#[must_use]
pub fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<i64>().ok().map(|it| it * 1024)
}

/// The files and sockets that the process has open.
#[must_use]
pub fn descriptors() -> Option<i64> {
    fs::read_dir("/proc/self/fd").ok()?.count().try_into().ok()
}

/// The most that it may have open.
#[must_use]
pub fn most_descriptors() -> Option<i64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|it| it.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The bytes that are free for us where `path` is.
#[must_use]
pub fn free_bytes(path: &Path) -> Option<i64> {
    let found = rustix::fs::statvfs(path).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)?.try_into().ok()
}

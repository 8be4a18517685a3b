//! Files that hold secrets (L-08).

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

/// The secret in `file`: long enough, and no one else's to read.
///
/// # Errors
/// Why it isn't one (L-08).
pub fn secret(file: &Path) -> Result<Vec<u8>, String> {
    let bytes = private(file)?;
    if bytes.len() < 32 {
        return Err(format!("{}: a secret has at least 32 bytes", file.display()));
    }
    // Text that someone typed; of 32 random bytes, or as many random hex digits, hardly any are the same.
    if bytes.iter().collect::<BTreeSet<_>>().len() < 8 {
        return Err(format!("{}: a secret is random, such as `openssl rand 32` makes", file.display()));
    }
    Ok(bytes)
}

/// What is in `file`, if no one else may read it.
///
/// # Errors
/// That someone may, or why it can't be read (L-08).
pub fn private(file: &Path) -> Result<Vec<u8>, String> {
    let shown = file.display();
    let wrong = |it: io::Error| format!("{shown}: {it}");
    if others_may_read(file).map_err(wrong)? {
        return Err(format!("{shown}: others may read it; chmod 600 it"));
    }
    fs::read(file).map_err(wrong)
}

/// Whether anyone but its owner may read `file`.
#[cfg(unix)]
pub(crate) fn others_may_read(file: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(file)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
pub(crate) fn others_may_read(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Whether the text in `file` has `text` in it.
pub(crate) fn holds(file: &Path, text: &str) -> io::Result<bool> {
    Ok(fs::read_to_string(file)?.contains(text))
}

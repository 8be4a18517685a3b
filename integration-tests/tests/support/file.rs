//! Files that are generated, and held true.
#![expect(
    clippy::disallowed_methods,
    reason = "`make update` asks by the environment for the files to be written"
)]

use std::fs;
use std::path::PathBuf;

/// The top of the project.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Holds `path` to `text`; `make update` writes it instead.
pub(crate) fn same_as_file(path: &str, text: &str) {
    let file = root().join(path);
    if std::env::var("LANYARD_UPDATE").is_ok() {
        return fs::write(&file, text).expect(path);
    }
    let kept = fs::read_to_string(&file).expect(path);
    assert!(
        kept == text,
        "{path} isn't what it is generated from: run `make update`, and look at what changed"
    );
}

//! Files that hold everything there is, hence are no one else's to read, and are on disk before they are said to be.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::Error;

pub(super) fn failed(path: &Path, why: &io::Error) -> Error {
    Error::Internal(format!("{}: {why}", path.display()))
}

/// Makes a folder that only its owner enters; an empty one that is there will do.
pub(super) fn make_folder(folder: &Path) -> Result<(), Error> {
    let wrong = |it: io::Error| failed(folder, &it);
    if folder.exists() {
        let mut entries = fs::read_dir(folder).map_err(wrong)?;
        return match entries.next() {
            None => Ok(()),
            Some(_) => Err(Error::Internal(format!("{}: the folder isn't empty", folder.display()))),
        };
    }
    let mut maker = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
    maker.create(folder).map_err(wrong)
}

/// Makes a file that only its owner reads, and that wasn't there.
pub(super) fn create(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path).map_err(|it| failed(path, &it))
}

/// The length of a file, and its digest.
pub(super) fn digest(path: &Path) -> Result<(u64, String), Error> {
    let file = File::open(path).map_err(|it| failed(path, &it))?;
    through(file, &mut io::sink()).map_err(|it| failed(path, &it))
}

/// The same, once all of it is on disk.
pub(super) fn sync(path: &Path) -> Result<(u64, String), Error> {
    let file = File::open(path).map_err(|it| failed(path, &it))?;
    file.sync_all().map_err(|it| failed(path, &it))?;
    through(file, &mut io::sink()).map_err(|it| failed(path, &it))
}

/// Copies a file to one that wasn't there.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let file = File::open(from).map_err(|it| failed(from, &it))?;
    let mut copy = create(to)?;
    through(file, &mut copy).and_then(|_| copy.sync_all()).map_err(|it| failed(to, &it))
}

/// Writes what makes the rest of a folder count, after the rest.
pub(super) fn write_last(folder: &Path, name: &str, text: &str) -> Result<(), Error> {
    let (path, partial) = (folder.join(name), folder.join(format!("{name}.partial")));
    let mut file = create(&partial)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let named = written.and_then(|()| fs::rename(&partial, &path));
    named.and_then(|()| File::open(folder)?.sync_all()).map_err(|it| failed(&path, &it))
}

fn through(mut from: File, to: &mut impl Write) -> io::Result<(u64, String)> {
    let (mut bytes, mut digest, mut part) = (0, Sha256::new(), vec![0; 1 << 16]);
    loop {
        let read = from.read(&mut part)?;
        if read == 0 {
            return Ok((bytes, format!("{:x}", digest.finalize())));
        }
        digest.update(&part[..read]);
        to.write_all(&part[..read])?;
        bytes += read as u64;
    }
}
